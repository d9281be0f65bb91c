/*
 * log: structured log lines on standard error.
 *
 * A line has a level, an event (a short constant phrase) and key=value pairs. Formats: `text` for
 * people (logfmt), `json` for collectors. With $JOURNAL_STREAM set, each line starts with its
 * <priority>. An event that repeats is logged once a second at most and then says how often it was
 * held back.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* log_open: name is the service; json selects the format. Callable again. */
void log_open(const char *name, enum log_level level, int json);

/* log_at: fmt gives the pairs, e.g. log_info("journal opened", "path=%s packets=%" PRIu64, …);
 * values with spaces are the caller's to quote ("path=\"%s\""). fmt NULL: no pairs. */
void log_at(enum log_level level, const char *event, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* log_each: log_at without the limit of one line a second, for events that have a limit of their
 * own and whose every line counts. */
void log_each(enum log_level level, const char *event, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* log_clean: makes text of others fit for a quoted value of a log line: every byte but printable
 * ASCII, and the quote, becomes `with`. In place. */
void log_clean(char *text, char with);

#define log_error(event, ...) log_at(LOG_LEVEL_ERROR, event, __VA_ARGS__)
#define log_warn(event, ...)  log_at(LOG_LEVEL_WARN, event, __VA_ARGS__)
#define log_info(event, ...)  log_at(LOG_LEVEL_INFO, event, __VA_ARGS__)
#define log_debug(event, ...) log_at(LOG_LEVEL_DEBUG, event, __VA_ARGS__)

#endif
