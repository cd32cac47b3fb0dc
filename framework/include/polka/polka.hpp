/* polka.hpp: what C++17 gets instead of compound literals and _Generic; included by polka.h. */
#ifndef POLKA_POLKA_HPP
#define POLKA_POLKA_HPP

namespace polka {

template <const polka_event *...Events> struct event_list {
    static constexpr const polka_event *items[sizeof...(Events) + 1] = { Events..., nullptr };
};
template <const polka_event *...Events> constexpr polka_events emits() { return { sizeof...(Events), event_list<Events...>::items }; }

/* A row of the reaction table as a value with setters; C++17 has no designated initialisers. */
struct reaction : polka_reaction {
    reaction(const polka_event *row_event, polka_function row_handler, const char *row_function) : polka_reaction{}
    {
        event = row_event;
        handler = row_handler;
        function = row_function;
        polka_row = 1;
    }
    template <const polka_event *...Events> reaction emitting() const
    {
        reaction row = *this;
        row.emits = polka::emits<Events...>();
        return row;
    }
    reaction retrying(unsigned attempts, uint32_t first_delay_ms) const
    {
        reaction row = *this;
        row.retry.attempts = attempts;
        row.retry.first_delay_ms = first_delay_ms;
        return row;
    }
    reaction limited(unsigned lanes) const
    {
        reaction row = *this;
        row.concurrency = lanes;
        return row;
    }
    reaction named(const char *row_name) const
    {
        reaction row = *this;
        row.name = row_name;
        return row;
    }
};

template <typename T, size_t N, typename Array> Array items(const T (&from)[N]) { return Array{ N, from }; }

}

/* `{}` ends a table of rows: const polka_reaction reactions[] = { POLKA_ON(…).emitting<…>(), {} }; */
#define POLKA_ON(EVENT, FN) polka::reaction(&EVENT##_event, POLKA_TYPED(EVENT, FN), #FN)
#define POLKA_EMITS(...) polka::emits<__VA_ARGS__>()
#endif
