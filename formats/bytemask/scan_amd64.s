#include "textflag.h"

// SSE2 only, which every amd64 has: comparisons give a byte of ones for a hit, and
// PMOVMSKB gathers the top bits of 16 bytes. The top bits of the text itself say
// whether it is ASCII.

// func scan(b *byte, n int, x, y byte, to *Word)
TEXT ·scan(SB), NOSPLIT, $0-32
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
	MOVQ R8, 8(DI)

	ADDQ $64, SI
	ADDQ $16, DI
	DECQ CX
	JNZ  loop
	RET
