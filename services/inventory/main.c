#include <polka/polka.h>

extern const polka_service inventory;
POLKA_MAIN(inventory)
