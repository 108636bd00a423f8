// Package logfile keeps the files that services write their output to: it rotates them under the writers' hands, reads
// them back, and follows them across rotations.
//
// A service holds its log open (O_APPEND) for as long as it lives, and supd is not in between: a file cannot be exchanged,
// only shortened at its head. A rotation moves the head [H, L) into a file of its own and loses no byte of what is appended meanwhile:
//
//	copy [H, L) to NAME.rotating          killed here: the copy is thrown away, nothing happened
//	write the mark over the bytes at H    from here on the rotation is finished by whoever comes next
//	rename NAME.rotating to NAME.STAMP
//	blank [C, L)                          C = L rounded down to a block: only whole blocks can be taken out
//	punch out [0, C)                      and with it the mark
//	collapse what is empty                where the file system can
//
// So a file may begin with a line of spaces: its text is at the end of the file before.
//
// The mark goes in the same step as what it is about, so a repeat neither loses nor doubles anything. Blocks are taken out
// with FALLOC_FL_COLLAPSE_RANGE (ext4, xfs: fallocate(2)) or else FALLOC_FL_PUNCH_HOLE (tmpfs, btrfs: the file keeps its apparent
// size and stays sparse; H is where its data begins). Where neither works, a file is copied and truncated, and
// what is written between these two is lost.
package logfile
