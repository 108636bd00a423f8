package checks

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Unit says what a Value's number counts.
type Unit string

// The units. Truth, text and mode are values that no arithmetic is done with.
const (
	UnitCount     Unit = ""
	UnitBytes     Unit = "B"
	UnitPercent   Unit = "%"
	UnitSeconds   Unit = "s"
	UnitRate      Unit = "/s"
	UnitBytesRate Unit = "B/s"
	UnitTruth     Unit = "truth" // 1 or 0
	UnitText      Unit = "text"  // in Text
	UnitMode      Unit = "mode"  // permission bits, written in octal
)

// Value is a figure with its unit.
type Value struct {
	Num  float64 `json:"num"`
	Unit Unit    `json:"unit,omitempty"`
	Text string  `json:"text,omitempty"` // only of UnitText
	set  bool
}

// Count, Bytes, Percent, Seconds, Truth, Text and Mode make a Value of that unit.
func Count(n float64) Value         { return Value{Num: n, set: true} }
func Bytes(n float64) Value         { return Value{Num: n, Unit: UnitBytes, set: true} }
func Percent(n float64) Value       { return Value{Num: n, Unit: UnitPercent, set: true} }
func Seconds(d time.Duration) Value { return Value{Num: d.Seconds(), Unit: UnitSeconds, set: true} }
func Mode(bits uint32) Value        { return Value{Num: float64(bits), Unit: UnitMode, set: true} }

// Text makes a Value that is compared as a whole; it is cut to textValueMax.
func Text(s string) Value { return Value{Unit: UnitText, Text: clip(s, textValueMax), set: true} }

// Truth makes a Value that is yes or no.
func Truth(yes bool) Value {
	v := Value{Unit: UnitTruth, set: true}
	if yes {
		v.Num = 1
	}
	return v
}

// textValueMax bounds a text value: it is kept from look to look.
const textValueMax = 256

// IsZero says that there is no value, which is not the same as the number 0.
func (v Value) IsZero() bool { return v == Value{} }

// String is the value as a person reads it: "412.3M", "93%", "1.2s", "0644", "yes"; "" for none.
func (v Value) String() string {
	switch v.Unit {
	case UnitBytes, UnitBytesRate:
		return bytesText(v.Num) + strings.TrimPrefix(string(v.Unit), "B")
	case UnitSeconds:
		return secondsText(v.Num)
	case UnitTruth:
		if v.Num != 0 {
			return "yes"
		}
		return "no"
	case UnitText:
		return v.Text
	case UnitMode:
		return fmt.Sprintf("%04o", uint32(v.Num))
	}
	if v.IsZero() {
		return ""
	}
	return numberText(v.Num) + string(v.Unit)
}

// numberText writes at most one digit behind the point, and small figures with two that count.
func numberText(n float64) string {
	if a := math.Abs(n); a != 0 && a < 1 {
		return strconv.FormatFloat(n, 'g', 2, 64)
	}
	return strconv.FormatFloat(math.Round(n*10)/10, 'f', -1, 64)
}

// byteUnits are powers of 1,024.
const byteUnits = "BKMGT"

// bytesText writes the largest unit that leaves at least 1 before the point.
func bytesText(n float64) string {
	i := 0
	for math.Abs(n) >= 1024 && i < len(byteUnits)-1 {
		n /= 1024
		i++
	}
	return numberText(n) + byteUnits[i:i+1]
}

// secondsText writes a measured time: rounded to what a person compares.
func secondsText(n float64) string {
	d := time.Duration(n * float64(time.Second))
	switch {
	case math.Abs(n) < 0.001:
		return numberText(n*1e6) + "us"
	case math.Abs(n) < 1:
		return numberText(n*1e3) + "ms"
	case math.Abs(n) < 60:
		return numberText(n) + "s"
	case n < 0:
		return "-" + Duration(-d.Round(time.Second)).String()
	}
	return Duration(d.Round(time.Second)).String()
}

// parseOperand reads what stands behind an operator and a name of this unit.
func parseOperand(text string, unit Unit) (Value, error) {
	v := Value{Unit: unit, set: true}
	var err error
	switch unit {
	case UnitText:
		v.Text, err = unquoteOperand(text)
	case UnitTruth:
		err = fmt.Errorf("is yes or no and is not compared: write the name alone, or \"not\" before it")
	case UnitMode:
		var bits uint64
		if bits, err = strconv.ParseUint(text, 8, 12); err != nil {
			err = fmt.Errorf("%q is no permission; write it in octal, such as 0644", clip(text, quotedMax))
		}
		v.Num = float64(bits)
	case UnitSeconds:
		var d time.Duration
		d, err = ParseDuration(text)
		v.Num = d.Seconds()
	case UnitBytes:
		v.Num, err = parseBytes(text)
	case UnitBytesRate, UnitRate:
		amount, ok := strings.CutSuffix(text, "/s")
		if !ok {
			return v, fmt.Errorf("%q is no rate; write it with /s", clip(text, quotedMax))
		}
		if v.Num, err = parseNumber(amount); unit == UnitBytesRate {
			v.Num, err = parseBytes(amount)
		}
	case UnitPercent:
		amount, ok := strings.CutSuffix(text, "%")
		if !ok {
			return v, fmt.Errorf("%q is no percentage; write it with %%", clip(text, quotedMax))
		}
		v.Num, err = parseNumber(amount)
	default:
		v.Num, err = parseNumber(text)
	}
	return v, err
}

// parseNumber reads a finite number: with NaN no comparison ever holds.
func parseNumber(text string) (float64, error) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, fmt.Errorf("%q is no number", clip(text, quotedMax))
	}
	return n, nil
}

// parseBytes wants a unit: "rss > 400" is a slip more often than 400 bytes.
func parseBytes(text string) (float64, error) {
	if text == "0" {
		return 0, nil
	}
	if text != "" {
		if i := strings.IndexByte(byteUnits, text[len(text)-1]); i >= 0 {
			n, err := parseNumber(text[:len(text)-1])
			return n * math.Pow(1024, float64(i)), err
		}
	}
	return 0, fmt.Errorf("%q has no unit; known: B K M G T (powers of 1,024)", clip(text, quotedMax))
}

// ParseSize reads a number of bytes with its unit: "512M". Units are powers of 1,024.
func ParseSize(text string) (uint64, error) {
	n, err := parseBytes(text)
	if err == nil && (n < 0 || n >= math.MaxInt64 || n != math.Trunc(n)) {
		err = fmt.Errorf("%q is no size", clip(text, quotedMax))
	}
	return uint64(max(n, 0)), err
}

// unquoteOperand takes quotes off; a word needs none.
func unquoteOperand(text string) (string, error) {
	if len(text) < 2 || text[0] != '"' && text[0] != '\'' {
		return text, nil
	}
	if text[len(text)-1] != text[0] {
		return "", fmt.Errorf("%s has no closing quote", clip(text, quotedMax))
	}
	return text[1 : len(text)-1], nil
}
