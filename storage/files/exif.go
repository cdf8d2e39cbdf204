package files

import (
	"bytes"
	"encoding/binary"
	"io"
)

const (
	maxExif   = 64 << 10 // bytes of an EXIF block that are read: the orientation is at its beginning
	maxBlocks = 1000     // blocks of a file that are read: hostile files have many
)

// orientationOf returns the orientation (1 to 8) in an image's EXIF block. It is 1 when there is none or it can't be
// read.
func orientationOf(r io.ReaderAt, size int64, mimeType string) int {
	var block []byte
	switch mimeType {
	case "image/jpeg":
		block = jpegExif(r, size)
	case "image/png":
		block = pngExif(r, size)
	case "image/webp":
		block = webpExif(r, size)
	}
	return tiffOrientation(block)
}

func readAt(r io.ReaderAt, at int64, n int) []byte {
	b := make([]byte, n)
	if got, _ := r.ReadAt(b, at); got < n {
		return nil
	}
	return b
}

// jpegExif returns the EXIF block of the APP1 segment, which comes before the image data.
func jpegExif(r io.ReaderAt, size int64) []byte {
	at := int64(2)
	for range maxBlocks {
		head := readAt(r, at, 4)
		if head == nil || head[0] != 0xff || at >= size {
			return nil
		}
		marker, length := head[1], int64(binary.BigEndian.Uint16(head[2:]))
		switch {
		case marker == 0xff: // padding
			at++
			continue
		case marker == 0xda || marker == 0xd9 || length < 2:
			return nil
		case marker == 0xe1 && length >= 8:
			if block := readAt(r, at+4, int(length-2)); bytes.HasPrefix(block, []byte("Exif\x00\x00")) {
				return block[6:]
			}
		}
		at += 2 + length
	}
	return nil
}

func pngExif(r io.ReaderAt, size int64) []byte {
	at := int64(8)
	for range maxBlocks {
		head := readAt(r, at, 8)
		if head == nil || at >= size {
			return nil
		}
		length := int64(binary.BigEndian.Uint32(head))
		switch string(head[4:]) {
		case "eXIf":
			return readAt(r, at+8, int(min(length, maxExif, size-at-8)))
		case "IEND":
			return nil
		}
		at += 12 + length
	}
	return nil
}

func webpExif(r io.ReaderAt, size int64) []byte {
	at := int64(12)
	for range maxBlocks {
		head := readAt(r, at, 8)
		if head == nil || at >= size {
			return nil
		}
		length := int64(binary.LittleEndian.Uint32(head[4:]))
		if string(head[:4]) == "EXIF" {
			block := readAt(r, at+8, int(min(length, maxExif, size-at-8)))
			return bytes.TrimPrefix(block, []byte("Exif\x00\x00"))
		}
		at += 8 + length + length&1
	}
	return nil
}

// tiffOrientation reads tag 0x0112 of the first directory (TIFF 6.0, EXIF 2.3).
func tiffOrientation(b []byte) int {
	if len(b) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch string(b[:2]) {
	case "II":
	case "MM":
		order = binary.BigEndian
	default:
		return 1
	}
	dir := int64(order.Uint32(b[4:]))
	if order.Uint16(b[2:]) != 42 || dir+2 > int64(len(b)) {
		return 1
	}
	count := int64(order.Uint16(b[dir:]))
	for i := range count {
		at := dir + 2 + 12*i
		if at+12 > int64(len(b)) {
			return 1
		}
		entry := b[at:]
		if order.Uint16(entry) == 0x0112 && order.Uint16(entry[2:]) == 3 {
			if o := int(order.Uint16(entry[8:])); o >= 1 && o <= 8 {
				return o
			}
			return 1
		}
	}
	return 1
}
