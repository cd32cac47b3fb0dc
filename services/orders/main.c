#include <polka/polka.h>

extern const polka_service orders;
POLKA_MAIN(orders)
