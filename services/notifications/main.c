#include <polka/polka.h>

extern const polka_service notifications;
POLKA_MAIN(notifications)
