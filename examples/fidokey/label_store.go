package main

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
)

// labelsVariable names another file for the labels.
const labelsVariable = "FIDOKEY_LABELS"

// How a key with a label is found again.
const (
	labelBySerial     = identity.Serial
	labelByCredential = identity.Credential    // one that labelling has made; asking for it is silent
	labelByToken      = identity.EncIdentifier // which a persistent token decrypts
)

// A label is a name that the user has given a key.
type label struct {
	Name string `json:"name"`
	By   string `json:"by"` // labelBySerial, labelByCredential or labelByToken

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

// labels are the contents of the file.
type labels struct {
	Labels []label `json:"labels"`
}

// named returns the label with a name, nil if there is none.
func (l *labels) named(name string) *label {
	for i := range l.Labels {
		if l.Labels[i].Name == name {
			return &l.Labels[i]
		}
	}
	return nil
}

// labelsPath is where the labels are kept.
func labelsPath() (string, error) {
	if path := os.Getenv(labelsVariable); path != "" {
		return path, nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("there is no place for labels: %w; name a file with %s", err, labelsVariable)
	}
	return filepath.Join(dir, "fidokey", "labels.json"), nil
}

// maxLabels is the most bytes of the file.
const maxLabels = 1 << 20

// readLabels reads the labels; none if there is no file.
func readLabels() (*labels, error) {
	path, err := labelsPath()
	if err != nil {
		return nil, problem(exitFailed, "%w", err)
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return new(labels), nil
	}
	if err != nil {
		return nil, problem(exitFailed, "the labels can't be read: %w; name another file with %s", err, labelsVariable)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxLabels+1))
	l := new(labels)
	if err == nil && len(b) > maxLabels {
		err = errors.New("it is too large")
	}
	if err == nil && len(b) > 0 {
		err = json.Unmarshal(b, l)
	}
	if err != nil {
		return nil, problem(exitFailed, "the labels in %s can't be read: %w; repair or delete the file", path, err)
	}
	return l, nil
}

// changeLabels reads the labels, has f change them and writes them. No other fidokey
// changes them meanwhile.
func changeLabels(f func(*labels) error) error {
	path, err := labelsPath()
	if err != nil {
		return problem(exitFailed, "%w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return problem(exitFailed, "there is no place for labels: %w; name a file with %s", err, labelsVariable)
	}
	var lock *os.File
	for range 20 {
		if lock, err = lockFile(path + ".lock"); err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond) // it takes no longer than this does
	}
	if err != nil {
		return problem(exitFailed, "the labels in %s: %w", path, err)
	}
	defer lock.Close()
	l, err := readLabels()
	if err != nil {
		return err
	}
	if err := f(l); err != nil {
		return err
	}
	b, err := json.MarshalIndent(l, "", "  ")
	if err == nil {
		err = replaceFile(path, append(b, '\n'))
	}
	if err != nil {
		return problem(exitFailed, "the labels can't be kept: %w", err)
	}
	return nil
}

// set puts a label in place of old, which may be nil.
func (l *labels) set(old *label, now label) error {
	if old != nil {
		l.remove(*old)
	}
	if l.named(now.Name) != nil {
		return badUse("another key has the label %q: fidokey label --all shows all, and fidokey label --remove %q takes it away", now.Name, now.Name)
	}
	l.Labels = append(l.Labels, now)
	return nil
}

// remove removes a label, if it is there.
func (l *labels) remove(old label) {
	l.Labels = slices.DeleteFunc(l.Labels, func(x label) bool { return x == old })
}
