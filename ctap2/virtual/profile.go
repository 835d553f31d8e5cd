package virtual

import (
	"fmt"

	"github.com/gofido/fido/ctap2"
)

// A Profile is the version of the specification that a key follows.
type Profile uint8

// The profiles.
const (
	FIDO21 Profile = iota // CTAP 2.1, and CTAP 2.0 for hosts that know no more
)

// profile is what a Profile stands for. Everything else that differs between
// versions is asked of it by name.
type profile struct {
	name     string
	versions []string
}

var profiles = map[Profile]*profile{
	FIDO21: {name: "FIDO21", versions: []string{ctap2.VersionFIDO20, ctap2.VersionFIDO21}},
}

// String returns the name of the constant.
func (p Profile) String() string {
	if q := profiles[p]; q != nil {
		return q.name
	}
	return fmt.Sprintf("Profile(%d)", uint8(p))
}
