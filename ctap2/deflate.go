package ctap2

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
)

// MaxLargeBlobSize is the most bytes that a large blob may have when it is not
// compressed. It is a bound of this package, far above what fits on a key, which
// keeps a small blob from inflating to fill the memory.
const MaxLargeBlobSize = 1 << 20

// deflate compresses data (RFC 1951), as large blobs are.
func deflate(data []byte) ([]byte, error) {
	if len(data) > MaxLargeBlobSize {
		return nil, fmt.Errorf("ctap2: a large blob of %d bytes is larger than %d", len(data), MaxLargeBlobSize)
	}
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// inflate is the inverse of deflate; the result must have size bytes. It also
// reads the zlib format (RFC 1950), which libfido2 wrote before version 1.11.
func inflate(b []byte, size uint64) ([]byte, error) {
	if size > MaxLargeBlobSize {
		return nil, fmt.Errorf("a blob of %d bytes is larger than %d", size, MaxLargeBlobSize)
	}
	data, err := readBlob(flate.NewReader(bytes.NewReader(b)), size)
	if err == nil {
		return data, nil
	}
	if r, zlibErr := zlib.NewReader(bytes.NewReader(b)); zlibErr == nil {
		if data, zlibErr := readBlob(r, size); zlibErr == nil {
			return data, nil
		}
	}
	return nil, err
}

var errBlobSize = errors.New("the blob has another size than it says")

// readBlob reads all of r, which must be size bytes. It allocates no more than
// twice what is there.
func readBlob(r io.Reader, size uint64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, int64(size)+1))
	if err != nil {
		return nil, fmt.Errorf("the blob can't be decompressed: %w", err)
	}
	if uint64(len(data)) != size {
		return nil, errBlobSize
	}
	return data, nil
}
