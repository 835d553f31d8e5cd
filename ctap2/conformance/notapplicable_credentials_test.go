package conformance_test

import "slices"

// Cases about keys that list their passkeys: by the command or the preview, by
// the command alone, and by the preview alone; and about the token that a key
// gives for a program to keep.
var (
	withPreviews             = []string{"CM-13"}
	byEither                 = []string{"CM-1", "CM-11", "CM-12", "CM-2", "CM-3", "CM-4", "CM-5", "CM-6", "CM-7", "CM-8"}
	inPreviewToo             = slices.Concat(withPreviews, byEither)
	withCredentialManagement = slices.Concat(byEither, []string{"CM-10", "CM-9"})
	withPersistentToken      = []string{"GI-13", "GI-14", "TK-9"}
)
