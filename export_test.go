package fido

import "context"

var ChooseReader = chooseReader

// OpenByTouchAmong is OpenByTouch for keys that were found already.
func OpenByTouchAmong(ctx context.Context, keys []KeyInfo, o *Options, several func([]KeyInfo)) (*Key, error) {
	return (&Found{Keys: keys}).openByTouch(ctx, o, several)
}
