#include <polka/polka.h>

extern const polka_service receipts;
POLKA_MAIN(receipts)
