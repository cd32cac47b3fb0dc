#include <polka/polka.h>

extern const polka_service payments;
POLKA_MAIN(payments)
