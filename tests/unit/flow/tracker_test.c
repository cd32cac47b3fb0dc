#include <base/random.h>
#include <flow/offsets/tracker.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <time.h>

Test(offsets, has_no_watermark_before_anything_began)
{
    polkai_tracker tracker;
    polkai_tracker_init(&tracker);
    cr_assert_eq(polkai_tracker_watermark(&tracker), -1);
    polkai_tracker_deinit(&tracker);
}

Test(offsets, never_commits_past_an_unfinished_event_when_later_ones_finish_first)
{
    polkai_tracker tracker;
    polkai_tracker_init(&tracker);
    uint64_t first = polkai_tracker_begin(&tracker, 10), second = polkai_tracker_begin(&tracker, 12), third = polkai_tracker_begin(&tracker, 15);
    polkai_tracker_finish(&tracker, third);
    polkai_tracker_finish(&tracker, second);
    cr_assert_eq(polkai_tracker_watermark(&tracker), 10);
    polkai_tracker_finish(&tracker, first);
    cr_assert_eq(polkai_tracker_watermark(&tracker), 16);
    polkai_tracker_deinit(&tracker);
}

/* Against the obvious model: an array of flags, looked through from the start. */
Test(offsets, agrees_with_a_plain_model_in_any_order)
{
    enum { EVENTS = 5000 };
    static bool done[EVENTS];
    static uint64_t sequences[EVENTS];
    uint64_t seed = (uint64_t)time(NULL);
    printf("seed %llu\n", (unsigned long long)seed);
    polkai_random random;
    polkai_random_seed(&random, seed);
    polkai_tracker tracker;
    polkai_tracker_init(&tracker);
    size_t begun = 0, oldest = 0;
    while (oldest < EVENTS) {
        if (begun < EVENTS && polkai_random_next(&random) % 2 == 0) {
            sequences[begun] = polkai_tracker_begin(&tracker, (int64_t)begun * 3);
            begun++;
        } else if (oldest < begun) {
            size_t pick = oldest + polkai_random_next(&random) % (begun - oldest);
            if (!done[pick])
                polkai_tracker_finish(&tracker, sequences[pick]);
            done[pick] = true;
        }
        while (oldest < begun && done[oldest])
            oldest++;
        int64_t expected = begun == 0 ? -1 : oldest == begun ? (int64_t)(begun - 1) * 3 + 1 : (int64_t)oldest * 3;
        cr_assert_eq(polkai_tracker_watermark(&tracker), expected);
    }
    polkai_tracker_deinit(&tracker);
}
