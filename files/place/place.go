// Package place finds where a path lies: it is the list of places.
package place

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/files"
	"github.com/millrace/millrace/files/s3"
)

// Find is the place of a path as people write it, and its path there. option reads
// the session's settings, of which s3.* name the service.
func Find(url string, option func(key, def string) string) (files.FS, string, error) {
	scheme, rest, ok := strings.Cut(url, "://")
	switch {
	case !ok, scheme == "file":
		return files.Local{}, Path(url), nil
	case s3.Scheme(scheme):
		fs, err := s3.New(s3.Settings(option))
		if err == nil && rest == "" {
			err = fmt.Errorf("%s names no bucket", url)
		}
		return fs, strings.TrimSuffix(rest, "/"), err
	}
	return nil, "", fmt.Errorf("not supported yet: %s://; there are file:// and s3://", scheme)
}

// Remote says that a path lies in a place that other machines see too.
func Remote(url string) bool {
	scheme, _, ok := strings.Cut(url, "://")
	return ok && scheme != "file"
}

// Path is a path without its scheme.
func Path(url string) string {
	if _, rest, ok := strings.Cut(url, "://"); ok {
		return rest
	}
	return url
}
