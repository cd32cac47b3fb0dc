#include <polka/polka.h>

extern const polka_service shipping;
POLKA_MAIN(shipping)
