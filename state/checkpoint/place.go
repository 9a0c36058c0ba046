package checkpoint

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/millrace/millrace/files/place"
	"github.com/millrace/millrace/files/s3"
)

// Find is the place of a state directory as people write it, and its path there.
// option reads the session's settings; tell hears of waiting for a lock, nil: nobody.
func Find(url string, option func(key, def string) string, tell func(string)) (FS, string, error) {
	fs, path, err := place.Find(url, option)
	if err != nil {
		return nil, "", err
	}
	if b, ok := fs.(*s3.FS); ok {
		return s3.NewState(b, tell), path, nil
	}
	return OS{}, path, nil
}

// Exists says whether anything lies in a directory; an error says why not, or that
// it can't be looked at.
func Exists(fs FS, path string) error {
	names, err := fs.ReadDir(path)
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("%s is empty", path)
	}
	return err
}

// Below are the directories with checkpoints at or right below a path, in the order
// of their names. The path may be that of a manifest.
func Below(fs FS, path string) ([]*Dir, error) {
	if name := filepath.Base(path); strings.HasSuffix(name, manifestSuffix) && name != manifestSuffix {
		path = filepath.Dir(path)
	}
	names, err := fs.ReadDir(path)
	if err != nil {
		return nil, err
	}
	paths := []string{path}
	for _, name := range names {
		if strings.HasSuffix(name, manifestSuffix) {
			paths, names = paths[:1], nil
			break
		}
		paths = append(paths, filepath.Join(path, name))
	}
	var out []*Dir
	for _, p := range paths {
		d := &Dir{fs: fs, path: p}
		list, err := d.List()
		if err == nil && len(list) > 0 {
			out = append(out, d)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("no checkpoint in " + path)
	}
	return out, nil
}
