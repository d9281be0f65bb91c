#include "logptn/lib/line/script.h"

enum script script_of(uint32_t cp)
{
	if (cp == 0xa0 || (cp >= 0x2000 && cp <= 0x200a) || cp == 0x202f || cp == 0x3000)
		return SCRIPT_SPACE;
	if (cp >= 0x3040 && cp <= 0x309f)
		return SCRIPT_HIRAGANA;
	/* The long-vowel mark U+30FC belongs to katakana words. */
	if ((cp >= 0x30a0 && cp <= 0x30ff && cp != 0x30fb) || (cp >= 0xff66 && cp <= 0xff9f))
		return SCRIPT_KATAKANA;
	if (cp == 0x3005 || (cp >= 0x3400 && cp <= 0x9fff) || (cp >= 0xf900 && cp <= 0xfaff) ||
	    (cp >= 0x20000 && cp <= 0x3ffff))
		return SCRIPT_HAN;
	if ((cp >= 0xac00 && cp <= 0xd7af) || (cp >= 0x1100 && cp <= 0x11ff))
		return SCRIPT_HANGUL;
	if ((cp >= 0x2010 && cp <= 0x2027) || (cp >= 0x2030 && cp <= 0x205e) ||
	    (cp >= 0x3001 && cp <= 0x303f) || cp == 0x30fb || (cp >= 0xff01 && cp <= 0xff0f) ||
	    (cp >= 0xff1a && cp <= 0xff20) || (cp >= 0xff3b && cp <= 0xff40) ||
	    (cp >= 0xff5b && cp <= 0xff65) || cp == 0xab || cp == 0xbb)
		return SCRIPT_PUNCT;
	return SCRIPT_LETTER;
}
