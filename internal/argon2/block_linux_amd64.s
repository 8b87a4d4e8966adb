#include "textflag.h"

// The compression function G of RFC 9106, section 3.5, with AVX2. A block is
// eight rows of eight pairs of words. P is BLAKE2b's round with a
// multiplication in it; the rows go through it, and then the columns.
//
// Both functions are called by Go's rules for assembly (ABI0): no register is
// kept, nothing is on the stack. Nothing jumps or is addressed by what is
// computed: the time depends on no word.

// Rotations to the right by 24 and 16 bits, as orders of bytes.
DATA rot24<>+0x00(SB)/8, $0x0201000706050403
DATA rot24<>+0x08(SB)/8, $0x0a09080f0e0d0c0b
DATA rot24<>+0x10(SB)/8, $0x0201000706050403
DATA rot24<>+0x18(SB)/8, $0x0a09080f0e0d0c0b
GLOBL rot24<>(SB), RODATA|NOPTR, $32

DATA rot16<>+0x00(SB)/8, $0x0100070605040302
DATA rot16<>+0x08(SB)/8, $0x09080f0e0d0c0b0a
DATA rot16<>+0x10(SB)/8, $0x0100070605040302
DATA rot16<>+0x18(SB)/8, $0x09080f0e0d0c0b0a
GLOBL rot16<>(SB), RODATA|NOPTR, $32

// Y12 and Y13 hold them; Y8 and Y9 are for what is needed at once; all else is
// named where it is used.

// a = a + b + 2 * trunc(a) * trunc(b), and e with f.
#define ADD(a, b, e, f) \
	VPMULUDQ b, a, Y8;  \
	VPMULUDQ f, e, Y9;  \
	VPADDQ   b, a, a;   \
	VPADDQ   f, e, e;   \
	VPADDQ   Y8, Y8, Y8; \
	VPADDQ   Y9, Y9, Y9; \
	VPADDQ   Y8, a, a;  \
	VPADDQ   Y9, e, e

// GB of section 3.6, on four words of each register: a, b, c, d and, beside
// it so that neither waits for itself, e, f, g, h.
#define GB(a, b, c, d, e, f, g, h) \
	ADD(a, b, e, f)      \
	VPXOR   a, d, d;     \
	VPXOR   e, h, h;     \
	VPSHUFD $0xb1, d, d; \
	VPSHUFD $0xb1, h, h; \
	ADD(c, d, g, h)      \
	VPXOR   c, b, b;     \
	VPXOR   g, f, f;     \
	VPSHUFB Y12, b, b;   \
	VPSHUFB Y12, f, f;   \
	ADD(a, b, e, f)      \
	VPXOR   a, d, d;     \
	VPXOR   e, h, h;     \
	VPSHUFB Y13, d, d;   \
	VPSHUFB Y13, h, h;   \
	ADD(c, d, g, h)      \
	VPXOR   c, b, b;     \
	VPXOR   g, f, f;     \
	VPADDQ  b, b, Y8;    \
	VPADDQ  f, f, Y9;    \
	VPSRLQ  $63, b, b;   \
	VPSRLQ  $63, f, f;   \
	VPOR    Y8, b, b;    \
	VPOR    Y9, f, f

// P on the four columns of pairs at CX, two at a time: a register has a pair
// of one column in its low half, a pair of the next in its high half. What
// comes out is added to out. The second half of P is on the diagonals: a, c
// and d are turned under b, which comes last and is left alone.
#define COLUMNS \
	VMOVDQU 0(SI)(CX*1), Y0;   \
	VMOVDQU 128(SI)(CX*1), Y1; \
	VMOVDQU 256(SI)(CX*1), Y2; \
	VMOVDQU 384(SI)(CX*1), Y3; \
	VMOVDQU 512(SI)(CX*1), Y4; \
	VMOVDQU 640(SI)(CX*1), Y5; \
	VMOVDQU 768(SI)(CX*1), Y6; \
	VMOVDQU 896(SI)(CX*1), Y7; \
	GB(Y0, Y2, Y4, Y6, Y1, Y3, Y5, Y7) \
	VPALIGNR $8, Y0, Y1, Y10; \
	VPALIGNR $8, Y1, Y0, Y0;  \
	VPALIGNR $8, Y5, Y4, Y11; \
	VPALIGNR $8, Y4, Y5, Y4;  \
	GB(Y0, Y2, Y4, Y7, Y10, Y3, Y11, Y6) \
	VPALIGNR $8, Y10, Y0, Y1; \
	VPALIGNR $8, Y0, Y10, Y0; \
	VPALIGNR $8, Y4, Y11, Y5; \
	VPALIGNR $8, Y11, Y4, Y4; \
	VPXOR   0(DI)(CX*1), Y0, Y0;   \
	VPXOR   128(DI)(CX*1), Y1, Y1; \
	VPXOR   256(DI)(CX*1), Y2, Y2; \
	VPXOR   384(DI)(CX*1), Y3, Y3; \
	VPXOR   512(DI)(CX*1), Y4, Y4; \
	VPXOR   640(DI)(CX*1), Y5, Y5; \
	VPXOR   768(DI)(CX*1), Y6, Y6; \
	VPXOR   896(DI)(CX*1), Y7, Y7; \
	VMOVDQU Y0, 0(DI)(CX*1);   \
	VMOVDQU Y1, 128(DI)(CX*1); \
	VMOVDQU Y2, 256(DI)(CX*1); \
	VMOVDQU Y3, 384(DI)(CX*1); \
	VMOVDQU Y4, 512(DI)(CX*1); \
	VMOVDQU Y5, 640(DI)(CX*1); \
	VMOVDQU Y6, 768(DI)(CX*1); \
	VMOVDQU Y7, 896(DI)(CX*1)

// func begin(out, q, x, y *block, keep bool)
TEXT ·begin(SB), NOSPLIT, $0-33
	MOVQ    out+0(FP), DI
	MOVQ    q+8(FP), SI
	MOVQ    x+16(FP), AX
	MOVQ    y+24(FP), BX
	MOVBLZX keep+32(FP), DX
	VMOVDQU rot24<>(SB), Y12
	VMOVDQU rot16<>(SB), Y13
	XORL    CX, CX

rows: // two at a time: Y0 to Y3 and Y4 to Y7
	VMOVDQU 0(AX)(CX*1), Y0
	VMOVDQU 32(AX)(CX*1), Y1
	VMOVDQU 64(AX)(CX*1), Y2
	VMOVDQU 96(AX)(CX*1), Y3
	VMOVDQU 128(AX)(CX*1), Y4
	VMOVDQU 160(AX)(CX*1), Y5
	VMOVDQU 192(AX)(CX*1), Y6
	VMOVDQU 224(AX)(CX*1), Y7
	VPXOR   0(BX)(CX*1), Y0, Y0
	VPXOR   32(BX)(CX*1), Y1, Y1
	VPXOR   64(BX)(CX*1), Y2, Y2
	VPXOR   96(BX)(CX*1), Y3, Y3
	VPXOR   128(BX)(CX*1), Y4, Y4
	VPXOR   160(BX)(CX*1), Y5, Y5
	VPXOR   192(BX)(CX*1), Y6, Y6
	VPXOR   224(BX)(CX*1), Y7, Y7
	TESTL   DX, DX
	JNE     kept
	VMOVDQU Y0, 0(DI)(CX*1)
	VMOVDQU Y1, 32(DI)(CX*1)
	VMOVDQU Y2, 64(DI)(CX*1)
	VMOVDQU Y3, 96(DI)(CX*1)
	VMOVDQU Y4, 128(DI)(CX*1)
	VMOVDQU Y5, 160(DI)(CX*1)
	VMOVDQU Y6, 192(DI)(CX*1)
	VMOVDQU Y7, 224(DI)(CX*1)
	JMP     mix

kept:
	VPXOR   0(DI)(CX*1), Y0, Y8
	VPXOR   32(DI)(CX*1), Y1, Y9
	VPXOR   64(DI)(CX*1), Y2, Y10
	VPXOR   96(DI)(CX*1), Y3, Y11
	VMOVDQU Y8, 0(DI)(CX*1)
	VMOVDQU Y9, 32(DI)(CX*1)
	VMOVDQU Y10, 64(DI)(CX*1)
	VMOVDQU Y11, 96(DI)(CX*1)
	VPXOR   128(DI)(CX*1), Y4, Y8
	VPXOR   160(DI)(CX*1), Y5, Y9
	VPXOR   192(DI)(CX*1), Y6, Y10
	VPXOR   224(DI)(CX*1), Y7, Y11
	VMOVDQU Y8, 128(DI)(CX*1)
	VMOVDQU Y9, 160(DI)(CX*1)
	VMOVDQU Y10, 192(DI)(CX*1)
	VMOVDQU Y11, 224(DI)(CX*1)

mix:
	GB(Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7)
	VPERMQ  $0x93, Y0, Y0
	VPERMQ  $0x93, Y4, Y4
	VPERMQ  $0x4e, Y3, Y3
	VPERMQ  $0x4e, Y7, Y7
	VPERMQ  $0x39, Y2, Y2
	VPERMQ  $0x39, Y6, Y6
	GB(Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7)
	VPERMQ  $0x39, Y0, Y0
	VPERMQ  $0x39, Y4, Y4
	VPERMQ  $0x4e, Y3, Y3
	VPERMQ  $0x4e, Y7, Y7
	VPERMQ  $0x93, Y2, Y2
	VPERMQ  $0x93, Y6, Y6
	VMOVDQU Y0, 0(SI)(CX*1)
	VMOVDQU Y1, 32(SI)(CX*1)
	VMOVDQU Y2, 64(SI)(CX*1)
	VMOVDQU Y3, 96(SI)(CX*1)
	VMOVDQU Y4, 128(SI)(CX*1)
	VMOVDQU Y5, 160(SI)(CX*1)
	VMOVDQU Y6, 192(SI)(CX*1)
	VMOVDQU Y7, 224(SI)(CX*1)
	ADDQ    $256, CX
	CMPQ    CX, $1024
	JB      rows

	XORL    CX, CX
	COLUMNS
	VZEROUPPER
	RET

// func finish(out, q, next *block)
TEXT ·finish(SB), NOSPLIT, $0-24
	MOVQ    out+0(FP), DI
	MOVQ    q+8(FP), SI
	MOVQ    next+16(FP), AX
	VMOVDQU rot24<>(SB), Y12
	VMOVDQU rot16<>(SB), Y13
	PREFETCHT0 0(AX)
	PREFETCHT0 64(AX)
	PREFETCHT0 128(AX)
	PREFETCHT0 192(AX)
	PREFETCHT0 256(AX)
	PREFETCHT0 320(AX)
	PREFETCHT0 384(AX)
	PREFETCHT0 448(AX)
	PREFETCHT0 512(AX)
	PREFETCHT0 576(AX)
	PREFETCHT0 640(AX)
	PREFETCHT0 704(AX)
	PREFETCHT0 768(AX)
	PREFETCHT0 832(AX)
	PREFETCHT0 896(AX)
	PREFETCHT0 960(AX)
	MOVQ    $32, CX

columns:
	COLUMNS
	ADDQ    $32, CX
	CMPQ    CX, $128
	JB      columns
	VZEROUPPER
	RET
