// Package labels is the names that a user has given keys: they are kept in a file on the
// computer, with what each key is found again by.
package labels

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofido/fido/examples/internal/identity"
	"github.com/gofido/fido/examples/internal/keptfile"
)

// Variable names another file for the labels.
const Variable = "FIDOKEY_LABELS"

// How a key with a label is found again.
const (
	BySerial     = identity.Serial
	ByCredential = identity.Credential    // one that labelling has made; asking for it is silent
	ByToken      = identity.EncIdentifier // which a persistent token decrypts
)

// A Label is a name that the user has given a key.
type Label struct {
	Name string `json:"name"`
	By   string `json:"by"` // BySerial, ByCredential or ByToken

	// What the key's HID device tells, and its AAGUID: they keep others from being
	// asked. 0 and "" if the key was labelled at a card reader.
	VendorID  uint16 `json:"vendorId,omitempty"`
	ProductID uint16 `json:"productId,omitempty"`
	Product   string `json:"product,omitempty"`
	AAGUID    string `json:"aaguid,omitempty"`

	Serial           string `json:"serial,omitempty"`
	CredentialID     string `json:"credentialId,omitempty"`
	DeviceIdentifier string `json:"deviceIdentifier,omitempty"`
	Token            string `json:"token,omitempty"` // a secret: it lets others list the passkeys
	TokenProtocol    uint   `json:"tokenProtocol,omitempty"`
}

// A File is the contents of the file.
type File struct {
	Labels []Label `json:"labels"`
}

// Named returns the label with a name, nil if there is none.
func (l *File) Named(name string) *Label {
	for i := range l.Labels {
		if l.Labels[i].Name == name {
			return &l.Labels[i]
		}
	}
	return nil
}

// Path is where the labels are kept.
func Path() (string, error) {
	if path := os.Getenv(Variable); path != "" {
		return path, nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("there is no place for labels: %w; name a file with %s", err, Variable)
	}
	return filepath.Join(dir, "fidokey", "labels.json"), nil
}

// maxFile is the most bytes of the file.
const maxFile = 1 << 20

// Read reads the labels; none if there is no file.
func Read() (*File, error) {
	path, err := Path()
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return new(File), nil
	}
	if err != nil {
		return nil, fmt.Errorf("the labels can't be read: %w; name another file with %s", err, Variable)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	l := new(File)
	if err == nil && len(b) > maxFile {
		err = errors.New("it is too large")
	}
	if err == nil && len(b) > 0 {
		err = json.Unmarshal(b, l)
	}
	if err != nil {
		return nil, fmt.Errorf("the labels in %s can't be read: %w; repair or delete the file", path, err)
	}
	return l, nil
}

// Change reads the labels, has f change them and writes them. No other fidokey
// changes them meanwhile.
func Change(f func(*File) error) error {
	path, err := Path()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("there is no place for labels: %w; name a file with %s", err, Variable)
	}
	var lock *os.File
	for range 20 {
		if lock, err = keptfile.Lock(path + ".lock"); err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond) // it takes no longer than this does
	}
	if err != nil {
		return fmt.Errorf("the labels in %s: %w", path, err)
	}
	defer lock.Close()
	l, err := Read()
	if err != nil {
		return err
	}
	if err := f(l); err != nil {
		return err
	}
	b, err := json.MarshalIndent(l, "", "  ")
	if err == nil {
		err = keptfile.Replace(path, append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("the labels can't be kept: %w", err)
	}
	return nil
}

// Set puts a label in place of old, which may be nil. It is false if another key has
// the name, which has changed nothing but that old is gone.
func (l *File) Set(old *Label, now Label) bool {
	if old != nil {
		l.Remove(*old)
	}
	if l.Named(now.Name) != nil {
		return false
	}
	l.Labels = append(l.Labels, now)
	return true
}

// Remove removes a label, if it is there.
func (l *File) Remove(old Label) {
	l.Labels = slices.DeleteFunc(l.Labels, func(x Label) bool { return x == old })
}
