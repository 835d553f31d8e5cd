package conformance_test

// Cases about large blobs: all of the command, the one among them that needs a
// PIN, and the one that needs the command or the extension.
var (
	withLargeBlobs       = []string{"LB-1", "LB-10", "LB-12", "LB-2", "LB-3", "LB-4", "LB-5", "LB-6", "LB-7", "LB-8"}
	withLargeBlobsAndPIN = []string{"LB-7"}
	withAnyLargeBlob     = []string{"LB-13"}
)
