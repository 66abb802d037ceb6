/* figures_show.h: words for what is published, of both programs. */
#ifndef SVODKA_PROTOCOL_FIGURES_SHOW_H
#define SVODKA_PROTOCOL_FIGURES_SHOW_H

/* What stands instead of a hidden number: "low (number hidden)", "fewer than 5", "hidden". */
const char *figures_hidden_word(const char *class_code);

#endif
