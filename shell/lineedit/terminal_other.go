//go:build !unix

package lineedit

import (
	"errors"
	"os"
)

// Separators end the word that a completion replaces.
const Separators = " \t\n(),=;'`.<>+-*/%|⏎"

func newTerminal(Config, *os.File, *os.File) (Editor, error) {
	return nil, errors.New("no line editor on this system")
}

// Restore does nothing.
func Restore() {}
