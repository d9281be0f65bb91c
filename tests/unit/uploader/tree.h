/* tree: a temporary directory for one test, and files in it. */
#ifndef TREE_H
#define TREE_H

#include <stdbool.h>
#include <stddef.h>

/* Makes the directory; its path stays valid for the process. tree_end removes it with all it holds.
 */
const char *tree_begin(void);
void tree_end(void);
/* Absolute path of a file in the tree; one of the last eight results. */
const char *tree_path(const char *name);
/* Makes a file of n bytes, all of them c, and its folders. */
void tree_file(const char *name, char c, size_t n);
/* Whether the file is there with exactly these bytes. */
bool tree_has(const char *name, char c, size_t n);
/* Regular files below a folder. */
size_t tree_count(const char *folder);

#endif
