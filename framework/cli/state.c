/* state.c: the four states of a flow. */
#include <cli/state.h>

const char *const cli_states[CLI_STATES] = { "running", "done", "failed", "stalled" };

bool cli_flow_is_whole(const cli_flow *flow)
{
    for (size_t i = 0; i < flow->count; i++)
        if (flow->nodes[i].letter == NULL && flow->nodes[i].cause == NULL)
            return true;
    return false;
}

size_t cli_flow_letters(const cli_flow *flow)
{
    size_t count = 0;
    for (size_t i = 0; i < flow->count; i++)
        count += flow->nodes[i].letter != NULL;
    return count;
}

cli_state cli_flow_state(const cli_flow *flow, bool by_contract, bool ended)
{
    bool stalled = false;
    for (size_t i = 0; i < flow->missing_count; i++)
        stalled = stalled || flow->missing[i].stalled;
    if (ended || (!by_contract && flow->missing_count == 0 && cli_flow_letters(flow) == 0))
        return CLI_DONE;
    return cli_flow_letters(flow) > 0 ? CLI_FAILED : stalled ? CLI_STALLED : CLI_RUNNING;
}

int64_t cli_flow_due(const cli_flow *flow, int64_t now_ms)
{
    int64_t soonest = INT64_MAX;
    for (size_t i = 0; i < flow->missing_count; i++) {
        const cli_missing *missing = &flow->missing[i];
        int64_t left_ms = missing->within_ms - missing->age_ms;          /* a manifest may give any deadline, till the end of time */
        if (!missing->stalled && missing->within_ms > 0 && left_ms < soonest - now_ms)
            soonest = now_ms + left_ms + 1;
    }
    return soonest;
}

int64_t cli_flow_last_ms(const cli_flow *flow)
{
    int64_t last = 0;
    for (size_t i = 0; i < flow->count; i++) {
        int64_t at = flow->nodes[i].letter != NULL ? flow->nodes[i].letter_ms : flow->nodes[i].time_ms;
        last = at > last ? at : last;
    }
    return last;
}

int64_t cli_flow_took_ms(const cli_flow *flow)
{
    int64_t first = INT64_MAX, last = 0;
    for (size_t i = 0; i < flow->count; i++) {
        const cli_node *node = &flow->nodes[i];
        if (node->came_ms == 0 || node->was_there) {
            int64_t took = cli_flow_last_ms(flow) - flow->nodes[0].time_ms;
            return took > 0 ? took : 0;
        }
        first = node->came_ms < first ? node->came_ms : first;
        last = node->came_ms > last ? node->came_ms : last;
    }
    return last > first ? last - first : 0;
}
