#include "textflag.h"

// Comparisons give a byte of ones for a hit, and
// PMOVMSKB gathers the top bits of 16 or 32 bytes. The top bits of the text itself say
// whether it is ASCII.

// func sse2(b *byte, n int, x, y byte, to *Word)
TEXT ·sse2(SB), NOSPLIT, $0-32
	MOVQ    b+0(FP), SI
	MOVQ    n+8(FP), CX
	MOVBLZX x+16(FP), AX
	MOVBLZX y+17(FP), BX
	MOVQ    to+24(FP), DI
	IMUL3L  $0x01010101, AX, AX
	IMUL3L  $0x01010101, BX, BX
	MOVQ    AX, X0
	MOVQ    BX, X1
	PSHUFD  $0, X0, X0
	PSHUFD  $0, X1, X1

loop:
	MOVOU 0(SI), X2
	MOVOU 16(SI), X3
	MOVOU 32(SI), X4
	MOVOU 48(SI), X5

	MOVO X2, X6
	POR  X3, X6
	POR  X4, X6
	POR  X5, X6
	PMOVMSKB X6, R8

	MOVO X2, X6
	MOVO X3, X7
	MOVO X4, X8
	MOVO X5, X9
	PCMPEQB X0, X6
	PCMPEQB X1, X2
	PCMPEQB X0, X7
	PCMPEQB X1, X3
	PCMPEQB X0, X8
	PCMPEQB X1, X4
	PCMPEQB X0, X9
	PCMPEQB X1, X5
	MOVO X2, X10
	POR  X3, X10
	POR  X4, X10
	POR  X5, X10
	PMOVMSKB X10, R13
	POR X6, X2
	POR X7, X3
	POR X8, X4
	POR X9, X5
	PMOVMSKB X2, R9
	PMOVMSKB X3, R10
	PMOVMSKB X4, R11
	PMOVMSKB X5, R12
	SHLQ $16, R10
	SHLQ $32, R11
	SHLQ $48, R12
	ORQ  R10, R9
	ORQ  R12, R11
	ORQ  R11, R9
	MOVQ R9, 0(DI)
	MOVL R8, 8(DI)
	MOVL R13, 12(DI)

	ADDQ $64, SI
	ADDQ $16, DI
	DECQ CX
	JNZ  loop
	RET

// func avx2(b *byte, n int, x, y byte, to *Word)
TEXT ·avx2(SB), NOSPLIT, $0-32
	MOVQ    b+0(FP), SI
	MOVQ    n+8(FP), CX
	MOVQ    to+24(FP), DI
	VPBROADCASTB x+16(FP), Y0
	VPBROADCASTB y+17(FP), Y1

loop:
	VMOVDQU 0(SI), Y2
	VMOVDQU 32(SI), Y3
	VPOR Y2, Y3, Y4
	VPMOVMSKB Y4, R8
	VPCMPEQB Y0, Y2, Y5
	VPCMPEQB Y0, Y3, Y6
	VPCMPEQB Y1, Y2, Y7
	VPCMPEQB Y1, Y3, Y8
	VPOR Y7, Y8, Y9
	VPMOVMSKB Y9, R9
	VPOR Y5, Y7, Y5
	VPOR Y6, Y8, Y6
	VPMOVMSKB Y5, R10
	VPMOVMSKB Y6, R11
	MOVL R10, 0(DI)
	MOVL R11, 4(DI)
	MOVL R8, 8(DI)
	MOVL R9, 12(DI)
	ADDQ $64, SI
	ADDQ $16, DI
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET

// func bmiPlaces(words []Word, base uint32, to []uint32) (n, found int)
TEXT ·bmiPlaces(SB), NOSPLIT, $0-72
	MOVQ words_base+0(FP), SI
	MOVQ words_len+8(FP), CX
	MOVL base+24(FP), R8
	MOVQ to_base+32(FP), DI
	MOVQ to_len+40(FP), R9
	MOVQ DI, R10
	LEAQ -256(DI)(R9*4), R9 // the last place with room for 64
	XORQ R11, R11

word:
	CMPQ R11, CX
	JGE  done
	CMPQ DI, R9
	JHI  done
	MOVQ (SI), AX
	POPCNTQ AX, R12
	LEAQ (DI)(R12*4), R12
	TZCNTQ AX, BX
	ADDL   R8, BX
	MOVL   BX, 0(DI)
	BLSRQ  AX, AX
	TZCNTQ AX, BX
	ADDL   R8, BX
	MOVL   BX, 4(DI)
	BLSRQ  AX, AX
	TZCNTQ AX, BX
	ADDL   R8, BX
	MOVL   BX, 8(DI)
	BLSRQ  AX, AX
	TZCNTQ AX, BX
	ADDL   R8, BX
	MOVL   BX, 12(DI)
	BLSRQ  AX, AX
	TESTQ AX, AX
	JNZ   more

next:
	MOVQ R12, DI
	ADDQ $16, SI
	ADDL $64, R8
	INCQ R11
	JMP  word

more:
	ADDQ $16, DI

one:
	TZCNTQ AX, BX
	ADDL   R8, BX
	MOVL   BX, 0(DI)
	BLSRQ  AX, AX
	ADDQ  $4, DI
	TESTQ AX, AX
	JNZ   one
	JMP   next

done:
	SUBQ R10, DI
	SHRQ $2, DI
	MOVQ R11, n+56(FP)
	MOVQ DI, found+64(FP)
	RET
