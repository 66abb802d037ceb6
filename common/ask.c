#include "common/ask.h"

#include "common/cli.h"
#include "common/utf8.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* ---- Ctrl-C ---- */

static volatile sig_atomic_t interrupted;

static void note_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

/* From before the prompt until after the answer SIGINT is ours, and held back except inside ppoll(): so none kills the
 * program, and one that comes just before the waiting does not leave us waiting. */
struct interrupt {
    struct sigaction old_action;
    sigset_t old_mask;
    sigset_t while_waiting;
};

static void interrupt_take(struct interrupt *i)
{
    struct sigaction ours = {.sa_handler = note_interrupt};
    sigset_t held;

    interrupted = 0;
    (void)sigemptyset(&held);
    (void)sigaddset(&held, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &held, &i->old_mask);
    (void)sigaction(SIGINT, &ours, &i->old_action);
    i->while_waiting = i->old_mask;
    (void)sigdelset(&i->while_waiting, SIGINT);
}

static void interrupt_give_back(struct interrupt *i)
{
    (void)pthread_sigmask(SIG_SETMASK, &i->old_mask, NULL); /* one that was held back arrives here, still at ours */
    (void)sigaction(SIGINT, &i->old_action, NULL);
}

/* ---- one line ---- */

static bool line_is_ready(const struct interrupt *i)
{
    struct pollfd in = {STDIN_FILENO, POLLIN, 0};

    return ppoll(&in, 1, NULL, &i->while_waiting) == 1;
}

/* In its usual mode a terminal gives at most one line a read(2), so nothing is buffered between two questions. */
static enum err read_line(const struct interrupt *i, char *out, size_t size, bool *fits)
{
    char chunk[ASK_LINE_SIZE];
    size_t len = 0;
    enum err e = ERR_CANCELLED; /* a signal, Ctrl-D, or the terminal has gone */

    *fits = true;
    for (;;) {
        ssize_t n = line_is_ready(i) ? read(STDIN_FILENO, chunk, sizeof(chunk)) : -1;
        size_t take;

        if (n <= 0)
            break;
        take = (size_t)n;
        if (chunk[take - 1] == '\n')
            take--;
        if (take > size - 1 - len)
            *fits = false;
        else
            memcpy(out + len, chunk, take);
        len += *fits ? take : 0;
        if (take < (size_t)n) {
            out[len] = '\0';
            e = OK;
            break;
        }
    }
    explicit_bzero(chunk, sizeof(chunk)); /* it may be a passphrase */
    return e;
}

static void trim(char *s)
{
    static const char blanks[] = " \t\r";
    size_t len = strlen(s);
    size_t start = strspn(s, blanks);

    while (len > start && strchr(blanks, s[len - 1]) != NULL)
        len--;
    memmove(s, s + start, len - start);
    s[len - start] = '\0';
}

/* What arrow keys and the like leave in a line; an answer cannot hold it. */
static bool has_controls(const char *s)
{
    for (; *s != '\0'; s++)
        if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7F)
            return true;
    return false;
}

static enum err need_terminal(void)
{
    if (isatty(STDIN_FILENO) == 0)
        return err_set(ERR_USAGE, _("there is no terminal to ask on; give what is missing on the command line"));
    return OK;
}

static enum err prompt_line(const char *prompt, char *out, size_t size, bool *fits)
{
    struct interrupt i;
    enum err e;

    interrupt_take(&i);
    (void)fflush(stdout);
    (void)fprintf(stderr, "%s ", prompt);
    (void)fflush(stderr);
    e = read_line(&i, out, size, fits);
    interrupt_give_back(&i);
    if (e == OK && !interrupted)
        return OK;
    (void)fputc('\n', stderr);
    return err_set(ERR_CANCELLED, _("cancelled"));
}

static enum err ask_until_good(const char *prompt, char *out, size_t size)
{
    enum err e;

    for (;;) {
        bool fits;

        e = prompt_line(prompt, out, size, &fits);
        if (e != OK)
            return e;
        if (!fits)
            (void)fprintf(stderr, "%s\n", _("This answer is too long. Please shorten it."));
        else if (has_controls(out) || !utf8_is_valid(out, strlen(out)))
            (void)fprintf(stderr, "%s\n", _("This answer holds characters that cannot be read. Please type it again."));
        else
            return OK;
    }
}

enum err ask_line(const char *prompt, char *out, size_t size)
{
    enum err e = need_terminal();

    if (e == OK && (e = ask_until_good(prompt, out, size)) == OK)
        trim(out);
    return e;
}

enum err ask_secret(const char *prompt, char *out, size_t size)
{
    struct termios before;
    struct termios quiet;
    enum err e = need_terminal();

    if (e != OK)
        return e;
    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return err_set(ERR_IO, _("the terminal cannot be asked not to show what is typed"));
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    quiet.c_lflag |= ECHONL; /* the line's end is shown: one sees that it was taken */
    if (tcsetattr(STDIN_FILENO, TCSADRAIN, &quiet) != 0)
        return err_set(ERR_IO, _("the terminal cannot be asked not to show what is typed"));
    e = ask_until_good(prompt, out, size);
    (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
    if (e != OK)
        explicit_bzero(out, size);
    return e;
}

static bool is_one_of(const char *folded, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(folded, words[i]) == 0)
            return true;
    return false;
}

enum err ask_yes_no(const char *question, bool *yes)
{
    static const char *const for_yes[] = {"да", "д", "yes", "y"};
    static const char *const for_no[] = {"нет", "н", "no", "n"};
    char prompt[1024];
    char line[ASK_LINE_SIZE];

    (void)snprintf(prompt, sizeof(prompt), _("%s (yes/no)"), question);
    for (;;) {
        struct buf folded;
        bool is_yes;
        bool is_no;
        enum err e = ask_line(prompt, line, sizeof(line));

        if (e != OK)
            return e;
        buf_init(&folded, 8 * sizeof(line));
        e = utf8_put_folded(&folded, line, strlen(line));
        is_yes = is_one_of(buf_cstr(&folded), for_yes, sizeof(for_yes) / sizeof(for_yes[0]));
        is_no = is_one_of(buf_cstr(&folded), for_no, sizeof(for_no) / sizeof(for_no[0]));
        buf_fini(&folded);
        if (e != OK)
            return e;
        if (is_yes || is_no) {
            *yes = is_yes;
            return OK;
        }
        (void)fprintf(stderr, "%s\n", _("Please answer \"yes\" or \"no\"."));
    }
}

/* The number typed, 1 to `count`; 0 for anything else. */
static size_t number_of(const char *line, size_t count)
{
    size_t n = 0;

    for (; *line >= '0' && *line <= '9' && n <= count; line++)
        n = n * 10 + (size_t)(*line - '0');
    return *line == '\0' && n <= count ? n : 0;
}

enum err ask_choice(const char *question, const char *const *labels, size_t count, bool may_skip, size_t *chosen)
{
    char line[ASK_LINE_SIZE];
    enum err e = need_terminal();

    if (e != OK)
        return e;
    (void)fprintf(stderr, "%s\n", question);
    for (size_t i = 0; i < count; i++)
        (void)fprintf(stderr, "  %zu. %s\n", i + 1, labels[i]);
    for (;;) {
        size_t n;

        e = ask_line(_("Number:"), line, sizeof(line));
        if (e != OK)
            return e;
        if (line[0] == '\0' && may_skip)
            return ERR_NOT_FOUND;
        n = number_of(line, count);
        if (n != 0) {
            *chosen = n - 1;
            return OK;
        }
        (void)fprintf(stderr, _("Please type a number from 1 to %zu.\n"), count);
    }
}
