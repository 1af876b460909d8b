// SPDX-License-Identifier: MIT
#include "wrappers.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

enum { MAX_WORDS = 16, MAX_LETTERS = 24 };

/* A part of a name. */
struct part {
  const char *start;
  size_t n;
};

/* The words of a part in small letters: "rw_lock", "RWLock" and "rwLock" have the same. */
struct words {
  unsigned n;
  char word[MAX_WORDS][MAX_LETTERS];
};

static bool begins_with(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

static bool is_one_of(const char *word, const char *const *of) {
  while (*of != NULL && strcmp(*of, word) != 0) of++;
  return *of != NULL;
}

/* Whether a word begins at this letter: behind a small one, or before one and behind a large one, as L in "RWLock". */
static bool is_new_word(const struct part *part, size_t i) {
  if (i == 0 || !isupper((unsigned char)part->start[i])) return false;
  const char before = part->start[i - 1], after = i + 1 < part->n ? part->start[i + 1] : '\0';
  return islower((unsigned char)before) || isdigit((unsigned char)before) ||
         (isupper((unsigned char)before) && islower((unsigned char)after));
}

/* False: it has too many, or too long ones. */
static bool split(const struct part *part, struct words *words) {
  size_t n_letters = 0;
  words->n = 0;
  for (size_t i = 0; i <= part->n; i++) {
    const bool is_end = i == part->n || part->start[i] == '_' || part->start[i] == '~';
    if (n_letters > 0 && (is_end || is_new_word(part, i))) {
      words->word[words->n++][n_letters] = '\0';
      n_letters = 0;
    }
    if (is_end) continue;
    if (words->n == MAX_WORDS || n_letters == MAX_LETTERS - 1) return false;
    words->word[words->n][n_letters++] = (char)tolower((unsigned char)part->start[i]);
  }
  return words->n > 0;
}

/* How many words from the i-th on are one for a lock or a condition. */
static unsigned lock_at(const struct words *words, unsigned i) {
  static const char *const whole[] = {"mutex",   "mtx",       "rwmutex", "rwlock", "spinlock",
                                      "condvar", "condition", "cond",    NULL};
  static const char *const before_lock[] = {"rw", "spin", "sx", NULL};
  if (i < words->n && is_one_of(words->word[i], whole)) return 1;
  return i + 1 < words->n && is_one_of(words->word[i], before_lock) && strcmp(words->word[i + 1], "lock") == 0 ? 2 : 0;
}

/* A class of locks, guards or conditions by the last words of its name. */
static bool is_class_of_locks(const struct part *part) {
  static const char *const last[] = {"mutex", "rwmutex", "lock", "rwlock", "spinlock", "locker", "condvar", NULL};
  struct words words;
  if (!split(part, &words)) return false;
  const char *const word = words.word[words.n - 1];
  const char *const before = words.n > 1 ? words.word[words.n - 2] : "";
  if (is_one_of(word, last)) return true;
  if (strcmp(word, "guard") == 0) return is_one_of(before, last);
  return (strcmp(word, "var") == 0 && strcmp(before, "cond") == 0) ||
         (strcmp(word, "variable") == 0 && strcmp(before, "condition") == 0);
}

static bool is_verb(const char *word) {
  static const char *const verbs[] = {"lock",    "trylock",  "rdlock", "wrlock",   "try",       "rd",        "wr",
                                      "read",    "write",    "reader", "writer",   "shared",    "timed",     "enter",
                                      "acquire", "take",     "wait",   "init",     "new",       "create",    "alloc",
                                      "slow",    "slowpath", "impl",   "internal", "timedwait", "timedlock", NULL};
  return is_one_of(word, verbs);
}

/* "g_mutex_lock" or "SDL_LockMutex": a lock, and before or behind it nothing but what is done with it. */
static bool is_call_of_lock(const struct part *part) {
  struct words words;
  if (!split(part, &words)) return false;
  for (unsigned i = 0; i < words.n; i++) {
    const unsigned n_lock = lock_at(&words, i);
    if (n_lock == 0) continue;
    unsigned end = i + n_lock;
    if (end == words.n) return i > 0 && is_verb(words.word[i - 1]);
    while (end < words.n && is_verb(words.word[end])) end++;
    if (end == words.n) return true;
  }
  return false;
}

/* The last two parts of a name, without the arguments of templates, the parameters, and what is returned. */
static void last_parts(const char *name, struct part *of, struct part *last) {
  static const char unnamed[] = "(anonymous namespace)";
  int depth = 0;
  bool is_ended = false; /* the part, by the arguments of a template */
  *of = *last = (struct part){name, 0};
  for (const char *at = name; *at != '\0'; at++) {
    if (depth == 0 && begins_with(at, unnamed)) {
      at += sizeof unnamed - 2;
    } else if (depth == 0 && *at == '(') {
      return;
    } else if (*at == '<') {
      is_ended = true;
      depth++;
    } else if (*at == '>' && depth > 0) {
      depth--;
    } else if (depth == 0 && begins_with(at, "::")) {
      *of = *last;
      *last = (struct part){++at + 1, 0};
      is_ended = false;
    } else if (depth == 0 && *at == ' ') {
      *of = *last = (struct part){at + 1, 0};
      is_ended = false;
    } else if (depth == 0 && !is_ended) {
      last->n++;
    }
  }
}

bool wrappers_have(const char *function) {
  struct part of, last;
  if (begins_with(function, "std::") || begins_with(function, "__gthread") || begins_with(function, "__gnu_cxx::") ||
      begins_with(function, "CRYPTO_THREAD_"))
    return true;
  last_parts(function, &of, &last);
  const bool is_python_s =
      begins_with(function, "PyThread_") && last.n >= 5 && strncmp(last.start + last.n - 5, "_lock", 5) == 0;
  return is_python_s || (of.start != last.start && is_class_of_locks(&of)) || is_call_of_lock(&last);
}
