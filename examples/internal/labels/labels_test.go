package labels

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/gofido/fido/ctaphid/hid"
)

func TestFileIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "folder", "labels.json")
	t.Setenv(Variable, path)
	if l, err := Read(); err != nil || len(l.Labels) > 0 {
		t.Errorf("without a file: %+v, %v", l, err)
	}
	blue, red := Label{Name: "blue", By: BySerial, Serial: "1"}, Label{Name: "red", By: ByCredential}
	if err := Change(func(l *File) error { l.Set(nil, blue); l.Set(nil, red); return nil }); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	if err := Change(func(l *File) error { l.Remove(blue); return refused }); err != refused {
		t.Errorf("a change that fails: %v", err)
	}
	l, err := Read()
	if err != nil || len(l.Labels) != 2 || *l.Named("blue") != blue || *l.Named("red") != red || l.Named("green") != nil {
		t.Errorf("%+v, %v", l, err)
	}
	if err := os.WriteFile(path, make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := Read(); err == nil {
		t.Errorf("a file that is too large: %+v", l)
	}
}

func TestSet(t *testing.T) {
	blue, red := Label{Name: "blue"}, Label{Name: "red"}
	for _, test := range []struct {
		name string
		old  *Label
		now  string
		want bool
	}{
		{"a new name", nil, "green", true},
		{"another key's name", nil, "red", false},
		{"another name", &blue, "green", true},
		{"the same name", &blue, "blue", true},
		{"another key's name in place of its own", &blue, "red", false},
	} {
		l := &File{[]Label{blue, red}}
		if got := l.Set(test.old, Label{Name: test.now}); got != test.want || test.want && l.Named(test.now) == nil {
			t.Errorf("%s: %t, %+v", test.name, got, l)
		}
	}
}

// Keys of another model are not asked.
func TestMayBe(t *testing.T) {
	key, other := &hid.Info{VendorID: 1, ProductID: 2, Serial: "7"}, &hid.Info{VendorID: 1, ProductID: 3, Serial: "7"}
	for _, test := range []struct {
		name       string
		label      Label
		serial     bool // found by it
		key, other bool // may be it
		card       bool
	}{
		{"by the serial number", Label{By: BySerial, VendorID: 1, ProductID: 2, Serial: "7"}, true, false, false, false},
		{"by a credential", Label{By: ByCredential, VendorID: 1, ProductID: 2}, false, true, false, true},
		{"by a credential, made at a reader", Label{By: ByCredential}, false, true, true, true},
	} {
		l := &File{[]Label{test.label}}
		if got := l.BySerial(key) != nil; got != test.serial || l.BySerial(other) != nil || l.BySerial(nil) != nil {
			t.Errorf("%s: found %t", test.name, got)
		}
		if l.MayBe(key) != test.key || l.MayBe(other) != test.other || l.MayBe(nil) != test.card {
			t.Errorf("%s: may be the key %t, another %t, a card %t", test.name, l.MayBe(key), l.MayBe(other), l.MayBe(nil))
		}
	}
}
