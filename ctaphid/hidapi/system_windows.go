//go:build cgo

package hidapi

import (
	"errors"
	"slices"
	"strings"

	"golang.org/x/sys/windows"

	"github.com/gofido/fido/ctaphid/hid"
)

func shareDevices() {}

// mayOpen returns why the system does not even let this program ask the device
// for its name.
func mayOpen(path string) error {
	p, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return err
	}
	h, err := windows.CreateFile(p, 0, windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE, nil, windows.OPEN_EXISTING, 0, 0)
	if err != nil {
		return err
	}
	return windows.CloseHandle(h)
}

// hidInterface is GUID_DEVINTERFACE_HID.
var hidInterface = windows.GUID{Data1: 0x4d1e55b2, Data2: 0xf16f, Data3: 0x11cf, Data4: [8]byte{0x88, 0xcb, 0x00, 0x11, 0x11, 0x00, 0x00, 0x30}}

// appendDenied adds the HID devices that Windows does not let this program
// look at. HIDAPI leaves them out. Windows does so with FIDO keys only; keyboards
// and mice may be looked at, just not read.
func appendDenied(keys []hid.Info) []hid.Info {
	paths, err := windows.CM_Get_Device_Interface_List("", &hidInterface, windows.CM_GET_DEVICE_INTERFACE_LIST_PRESENT)
	if err != nil {
		return keys
	}
	for _, path := range paths {
		if slices.ContainsFunc(keys, func(i hid.Info) bool { return strings.EqualFold(i.Path, path) }) {
			continue
		}
		err := mayOpen(path)
		if !errors.Is(err, windows.ERROR_ACCESS_DENIED) {
			continue
		}
		info := hid.Info{Path: path, Bus: hid.BusUnknown, Access: hid.NewAccessError(path, err)}
		info.VendorID, info.ProductID = idsInPath(path)
		if info.VendorID != 0 {
			info.Bus = hid.BusUSB
		}
		keys = append(keys, info)
	}
	return keys
}
