/* Asks the installed library for its version, and for a model that isn't there. */

#include <iddpm_c.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  iddpm_model* model = NULL;
  printf("iddpm %s\n", iddpm_version());
  if (iddpm_model_open("/nowhere", NULL, &model) != IDDPM_BAD_INPUT || model != NULL) return 1;
  return strstr(iddpm_last_error(), "nowhere") != NULL ? 0 : 1;
}
