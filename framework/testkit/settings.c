/* settings.c: what a service reads under app.: what the test says, else the fallback; read as in production. */
#include <base/text.h>
#include <testkit/inner.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const polka_setting *declared(const member *of, const char *name)
{
    for (const polka_setting *at = of->service->settings; at != NULL && at->name != NULL; at++)
        if (strcmp(at->name, name) == 0)
            return at;
    return NULL;
}

static const char *value_of(const member *of, const char *name)
{
    const polka_setting *setting = declared(of, name);
    for (size_t i = of->test->setting_count; i-- > 0;)
        if (strcmp(of->test->settings[i][0], name) == 0)
            return of->test->settings[i][1];
    return setting == NULL ? NULL : setting->fallback;
}

static bool setting_text(void *user, const char *name, polka_text *value)
{
    const member *of = user;
    const polka_setting *setting = declared(of, name);
    if (setting == NULL || setting->type != POLKA_SETTING_TEXT)
        return false;
    *value = polka_text_of(value_of(of, name));
    return true;
}

/* As a service reads it from its configuration. */
static bool read_number(const polka_setting *setting, const char *text, int64_t *number)
{
    char *end;
    if (setting->type == POLKA_SETTING_BOOL) {
        *number = strcmp(text, "true") == 0;
        return *number != 0 || strcmp(text, "false") == 0;
    }
    if (setting->type == POLKA_SETTING_DURATION_MS) {
        if (!polkai_timespan_read(text, number))
            return false;
    } else {
        errno = 0;
        *number = strtoll(text, &end, 10);
        if (end == text || *end != '\0' || errno != 0)
            return false;
    }
    return (setting->min == 0 && setting->max == 0) || (*number >= setting->min && *number <= setting->max);
}

static bool setting_number(void *user, const char *name, int64_t *value)
{
    const member *of = user;
    const polka_setting *setting = declared(of, name);
    const char *text = value_of(of, name);
    return setting != NULL && setting->type != POLKA_SETTING_TEXT && text != NULL && read_number(setting, text, value);
}

polkai_settings polkai_test_settings(member *of)
{
    return (polkai_settings){ of, setting_text, setting_number };
}

static void check_value(const polka_setting *setting, const char *value)
{
    static const char *const kinds[] = { "", "a text", "a number", "true or false", "a duration such as 500ms or 2s" };
    char range[64] = "";
    int64_t number;
    if (setting->min != 0 || setting->max != 0)
        snprintf(range, sizeof range, ", %" PRId64 " to %" PRId64, setting->min, setting->max);
    if (setting->type != POLKA_SETTING_TEXT && !read_number(setting, value, &number))
        polkai_test_fail(NULL, 0, "polka_test_setting: %s: '%s' is not %s%s", setting->name, value, kinds[setting->type], range);
}

void polka_test_setting(polka_test *test, const char *name, const char *value)
{
    polkai_test_before_start(test, "polka_test_setting");
    bool known = false;
    for (size_t i = 0; i < test->member_count; i++) {
        const polka_setting *setting = declared(&test->members[i], name);
        known = known || setting != NULL;
        if (setting != NULL)
            check_value(setting, value);
    }
    if (!known || test->setting_count == SETTINGS_MOST)
        polkai_test_fail(NULL, 0, "polka_test_setting: no service of this test declares the setting %s", name);
    test->settings[test->setting_count][0] = polkai_arena_text(&test->arena, name, strlen(name)).data;
    test->settings[test->setting_count++][1] = polkai_arena_text(&test->arena, value, strlen(value)).data;
}
