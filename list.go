package fido

import "github.com/gofido/fido/ctaphid/hid"

// List returns the security keys that are HID devices, as all on USB are, whether
// this program may open them or not: hid.Info.Access says why not. It opens and
// asks nothing; [Find] looks into card readers too. No keys is not an error. The
// error is errors.ErrUnsupported, with advice, in a build that can't look.
func List() ([]hid.Info, error) { return list() }
