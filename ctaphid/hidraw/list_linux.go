package hidraw

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/gofido/fido/ctaphid/hid"
)

// List returns the FIDO keys that the kernel knows, on every bus, in the order
// of their numbers. It opens none. A key whose report sizes are unsuitable is
// listed too; Open refuses it. No keys is not an error.
func List() ([]hid.Info, error) { return theSystem.list() }

// A system is where devices are looked for.
type system struct {
	sysfs, dev string
	access     func(path string) error // nil if this program may open the node
}

var theSystem = system{sysfs: "/sys", dev: "/dev", access: mayOpen}

func mayOpen(path string) error {
	return unix.Faccessat(unix.AT_FDCWD, path, unix.R_OK|unix.W_OK, unix.AT_EACCESS)
}

// list returns the keys in sysfs.
func (s system) list() ([]hid.Info, error) {
	entries, err := os.ReadDir(filepath.Join(s.sysfs, "class/hidraw"))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(s.sysfs, "class")); err != nil {
			return nil, fmt.Errorf("hidraw: keys can't be listed, is sysfs mounted? %w", err)
		}
		return nil, nil // the kernel has made no hidraw device yet
	}
	if err != nil {
		return nil, fmt.Errorf("hidraw: keys can't be listed: %w", err)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int {
		return cmp.Or(cmp.Compare(len(a.Name()), len(b.Name())), cmp.Compare(a.Name(), b.Name()))
	})
	var keys []hid.Info
	for _, e := range entries {
		if info, ok := s.info(e.Name()); ok {
			keys = append(keys, info)
		}
	}
	return keys, nil
}

// info returns what sysfs says of a node such as "hidraw0". It is false for a
// device that is not a FIDO key and for one that has just gone.
func (s system) info(name string) (hid.Info, bool) {
	if !isNode(name) {
		return hid.Info{}, false
	}
	// The kernel, not filepath.Join, has to resolve the dots behind the
	// symbolic links.
	device := filepath.Join(s.sysfs, "class/hidraw", name, "device")
	b, err := readAtMost(device+"/report_descriptor", hid.MaxDescriptorSize)
	if err != nil {
		return hid.Info{}, false
	}
	desc, err := hid.ParseDescriptor(b)
	if err != nil || !desc.FIDO {
		return hid.Info{}, false
	}
	info := hid.Info{Path: filepath.Join(s.dev, name), ReportIn: desc.In, ReportOut: desc.Out}
	if b, err := readAtMost(device+"/uevent", maxAttribute); err == nil {
		properties(b).describe(&info)
	}
	if info.Bus == hid.BusUSB { // device/.. is the interface and device/../.. the USB device
		usb := device + "/../../"
		info.Manufacturer = attribute(usb + "manufacturer")
		info.Product = cmp.Or(attribute(usb+"product"), info.Product)
		info.Serial = cmp.Or(info.Serial, attribute(usb+"serial"))
		bus, device := number(usb+"busnum"), number(usb+"devnum")
		if bus != 0 && device != 0 {
			info.USBBus, info.USBDevice = bus, device
		}
	}
	if err := s.access(info.Path); err != nil {
		info.Access = hid.NewAccessError(info.Path, err)
	}
	return info, true
}

// isNode tells hidraw0 from everything else that has no business in a path.
func isNode(name string) bool {
	digits, ok := strings.CutPrefix(name, "hidraw")
	_, err := strconv.ParseUint(digits, 10, 16)
	return ok && err == nil
}

// properties is the text of a sysfs uevent file: lines of KEY=value. The
// first of several lines with a key counts, because a device's name, which may
// contain a line break, stands behind its IDs.
type properties []byte

func (p properties) describe(info *hid.Info) {
	seen := map[string]bool{}
	for lines := bufio.NewScanner(bytes.NewReader(p)); lines.Scan(); {
		key, value, ok := strings.Cut(lines.Text(), "=")
		if !ok || seen[key] {
			continue
		}
		seen[key] = true
		switch key {
		case "HID_ID": // bus:vendor:product, hexadecimal
			var bus, vendor, product uint32
			if n, _ := fmt.Sscanf(value, "%x:%x:%x", &bus, &vendor, &product); n == 3 {
				info.Bus, info.VendorID, info.ProductID = hid.LinuxBus(uint16(bus)), uint16(vendor), uint16(product)
			}
		case "HID_NAME":
			info.Product = hid.Text(value)
		case "HID_PHYS":
			info.PhysicalPath = hid.Text(value)
		case "HID_UNIQ":
			info.Serial = hid.Text(value)
		}
	}
}

// maxAttribute is the most that is read of an attribute: sysfs has pages of
// 4096 bytes.
const maxAttribute = 4096

func attribute(path string) string {
	b, err := readAtMost(path, maxAttribute)
	if err != nil {
		return ""
	}
	return hid.Text(strings.TrimSuffix(string(b), "\n"))
}

// number returns an attribute that is a decimal number, 0 if it is none.
func number(path string) int {
	n, err := strconv.ParseUint(attribute(path), 10, 16)
	if err != nil {
		return 0
	}
	return int(n)
}

func readAtMost(path string, n int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, n))
}
