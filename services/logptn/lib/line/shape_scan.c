#include "logptn/lib/line/shape_scan.h"

#include <stdatomic.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

static atomic_int mode; /* 0 not asked yet, 1 vector, 2 scalar */

/* Clears what lies beyond the line and adds the clear word that ends every run. */
static inline void finish(struct shape_masks *m, size_t n)
{
	uint64_t last = (UINT64_C(1) << (n % 64)) - 1;

	m->digit[n / 64] &= last;
	m->alnum[n / 64] &= last;
	m->digit[n / 64 + 1] = m->alnum[n / 64 + 1] = 0;
}

#if defined(__x86_64__)
/* SSE2 is part of x86-64: the baseline needs no question. */
static bool scan_sse2(const uint8_t *line, size_t n, struct shape_masks *m)
{
	uint64_t odd = 0;

	for (size_t w = 0; w <= n / 64; w++) {
		uint64_t digit = 0, alnum = 0, special = 0;

		for (unsigned k = 0; k < 4; k++) {
			__m128i v = _mm_loadu_si128((const void *)(line + w * 64 + k * 16));
			__m128i d = _mm_sub_epi8(v, _mm_set1_epi8('0'));
			__m128i a = _mm_sub_epi8(_mm_or_si128(v, _mm_set1_epi8(0x20)),
						 _mm_set1_epi8('a'));
			__m128i isd = _mm_cmpeq_epi8(_mm_min_epu8(d, _mm_set1_epi8(9)), d);
			__m128i isa = _mm_cmpeq_epi8(_mm_min_epu8(a, _mm_set1_epi8(25)), a);
			/* Printable: v - 0x20 <= 0x5e. */
			__m128i p = _mm_sub_epi8(v, _mm_set1_epi8(0x20));
			__m128i isp = _mm_or_si128(
				_mm_cmpeq_epi8(_mm_min_epu8(p, _mm_set1_epi8(0x5e)), p),
				_mm_cmpeq_epi8(v, _mm_set1_epi8('\t')));

			digit |= (uint64_t)(uint32_t)_mm_movemask_epi8(isd) << (16 * k);
			alnum |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_or_si128(isd, isa))
				 << (16 * k);
			special |= (uint64_t)(~(uint32_t)_mm_movemask_epi8(isp) & 0xffff)
				   << (16 * k);
		}
		m->digit[w] = digit;
		m->alnum[w] = alnum;
		odd |= w == n / 64 ? special & ((UINT64_C(1) << (n % 64)) - 1) : special;
	}
	finish(m, n);
	return odd != 0;
}

__attribute__((target("avx2"))) static bool scan_avx2(const uint8_t *line, size_t n,
						      struct shape_masks *m)
{
	uint64_t odd = 0;

	for (size_t w = 0; w <= n / 64; w++) {
		uint64_t digit = 0, alnum = 0, special = 0;

		for (unsigned k = 0; k < 2; k++) {
			__m256i v = _mm256_loadu_si256((const void *)(line + w * 64 + k * 32));
			__m256i d = _mm256_sub_epi8(v, _mm256_set1_epi8('0'));
			__m256i a = _mm256_sub_epi8(_mm256_or_si256(v, _mm256_set1_epi8(0x20)),
						    _mm256_set1_epi8('a'));
			__m256i isd = _mm256_cmpeq_epi8(_mm256_min_epu8(d, _mm256_set1_epi8(9)), d);
			__m256i isa =
				_mm256_cmpeq_epi8(_mm256_min_epu8(a, _mm256_set1_epi8(25)), a);
			__m256i p = _mm256_sub_epi8(v, _mm256_set1_epi8(0x20));
			__m256i isp = _mm256_or_si256(
				_mm256_cmpeq_epi8(_mm256_min_epu8(p, _mm256_set1_epi8(0x5e)), p),
				_mm256_cmpeq_epi8(v, _mm256_set1_epi8('\t')));

			digit |= (uint64_t)(uint32_t)_mm256_movemask_epi8(isd) << (32 * k);
			alnum |= (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_or_si256(isd, isa))
				 << (32 * k);
			special |= (uint64_t)(~(uint32_t)_mm256_movemask_epi8(isp)) << (32 * k);
		}
		m->digit[w] = digit;
		m->alnum[w] = alnum;
		odd |= w == n / 64 ? special & ((UINT64_C(1) << (n % 64)) - 1) : special;
	}
	finish(m, n);
	return odd != 0;
}

#elif defined(__aarch64__)
/* Sixteen lanes of 0 or 255 to sixteen bits. */
static inline uint64_t movemask(uint8x16_t v)
{
	static const uint8_t weights[16] = {1, 2, 4, 8, 16, 32, 64, 128,
					    1, 2, 4, 8, 16, 32, 64, 128};
	uint8x16_t b = vandq_u8(v, vld1q_u8(weights));

	return (uint64_t)vaddv_u8(vget_low_u8(b)) | (uint64_t)vaddv_u8(vget_high_u8(b)) << 8;
}

static bool scan_neon(const uint8_t *line, size_t n, struct shape_masks *m)
{
	uint64_t odd = 0;

	for (size_t w = 0; w <= n / 64; w++) {
		uint64_t digit = 0, alnum = 0, special = 0;

		for (unsigned k = 0; k < 4; k++) {
			uint8x16_t v = vld1q_u8(line + w * 64 + k * 16);
			uint8x16_t isd = vcleq_u8(vsubq_u8(v, vdupq_n_u8('0')), vdupq_n_u8(9));
			uint8x16_t a = vsubq_u8(vorrq_u8(v, vdupq_n_u8(0x20)), vdupq_n_u8('a'));
			uint8x16_t isa = vcleq_u8(a, vdupq_n_u8(25));
			uint8x16_t isp =
				vorrq_u8(vcleq_u8(vsubq_u8(v, vdupq_n_u8(0x20)), vdupq_n_u8(0x5e)),
					 vceqq_u8(v, vdupq_n_u8('\t')));

			digit |= movemask(isd) << (16 * k);
			alnum |= movemask(vorrq_u8(isd, isa)) << (16 * k);
			special |= movemask(vmvnq_u8(isp)) << (16 * k);
		}
		m->digit[w] = digit;
		m->alnum[w] = alnum;
		odd |= w == n / 64 ? special & ((UINT64_C(1) << (n % 64)) - 1) : special;
	}
	finish(m, n);
	return odd != 0;
}
#endif

static bool scan_scalar(const uint8_t *line, size_t n, struct shape_masks *m)
{
	bool odd = false;

	for (size_t w = 0; w <= n / 64; w++) {
		uint64_t digit = 0, alnum = 0;
		size_t k = n - w * 64 < 64 ? n - w * 64 : 64;

		for (size_t i = 0; i < k; i++) {
			uint8_t c = line[w * 64 + i];
			uint64_t d = (uint8_t)(c - '0') < 10, a = (uint8_t)((c | 0x20) - 'a') < 26;

			digit |= d << i;
			alnum |= (d | a) << i;
			odd |= (uint8_t)(c - 0x20) > 0x5e && c != '\t';
		}
		m->digit[w] = digit;
		m->alnum[w] = alnum;
	}
	finish(m, n);
	return odd;
}

int shape_vector(void)
{
	int now = atomic_load_explicit(&mode, memory_order_relaxed);

	if (!now) {
#if defined(__x86_64__)
		now = __builtin_cpu_supports("avx2") ? 1 : 2;
#else
		now = 2;
#endif
		atomic_store_explicit(&mode, now, memory_order_relaxed);
	}
	return now == 1;
}

void shape_force_scalar(int on)
{
	atomic_store_explicit(&mode, on ? 3 : 0, memory_order_relaxed);
}

bool shape_scan(const uint8_t *line, size_t n, struct shape_masks *m)
{
	if (atomic_load_explicit(&mode, memory_order_relaxed) == 3)
		return scan_scalar(line, n, m);
#if defined(__x86_64__)
	return shape_vector() ? scan_avx2(line, n, m) : scan_sse2(line, n, m);
#elif defined(__aarch64__)
	return scan_neon(line, n, m);
#else
	return scan_scalar(line, n, m);
#endif
}
