# SPDX-License-Identifier: GPL-2.0-only
# Draws what `report` prints for it: gnuplot -e "dir='DIR'; mode='near'" plot.gp
# DIR has {limit,shmdev,ring,kernel}.curves and ratios.bars; the pictures go there.

curves(kind) = dir."/".kind.".curves"
last(kind) = int(system("grep -c '^\"' ".curves(kind)." || true")) - 1
bars = dir."/ratios.bars"
last_bar = int(system("head -n 1 ".bars." | grep -o least | wc -l")) - 1

# Ours are bold: a colour for each queue, a dash and a point for each way to use it.
array queues[7] = ["#c00000", "#0b5fa5", "#e07b00", "#2a8c5a", "#7a3aa8", \
	"#8a6d00", "#b0307a"]
array dashes[4] = [1, 2, 3, 4]
array points[4] = [7, 6, 5, 9]
array colours[6] = ["#2a8c5a", "#0b5fa5", "#c00000", "#f28e6b", "#7fb6dd", \
	"#9a9a9a"]

set border 3 lc rgb "#404040"
set tics nomirror
set grid ytics lc rgb "#dddddd" lt 1
set style fill solid 0.9 noborder

do for [format in "svg png"] {
	if (format eq "svg") {
		set terminal svg size 1180,760 font "sans,13" noenhanced \
			background "#ffffff"
	} else {
		set terminal pngcairo size 1180,760 font "sans,11" noenhanced
	}

	set output dir."/one-way.".format
	set title "Records one way between two processors (".mode."): median"
	set logscale x 2
	set logscale y 10
	set xlabel "bytes of a record" offset 0, 0.4
	set ylabel "ns for a record"
	set xrange [6:5500]
	set yrange [*:*]
	set xtics ("8" 8, "64" 64, "256" 256, "1024" 1024, "4096" 4096)
	set key outside right center vertical maxcols 1 reverse Left \
		samplen 4 spacing 1.0 font ",10"
	plot for [i = 0:last("limit")] curves("limit") index i using 1:2 \
			with lines lc rgb "#000000" lw 2 dt i + 1 \
			title columnheader(1), \
		for [i = 0:last("shmdev")] curves("shmdev") index i using 1:2 \
			with linespoints lc rgb queues[i / 4 + 1] lw 2.2 \
			dt dashes[i % 4 + 1] pt points[i % 4 + 1] ps 1 \
			title columnheader(1), \
		for [i = 0:last("ring")] curves("ring") index i using 1:2 \
			with linespoints lw 1.2 pt i + 1 ps 0.8 \
			lc rgb hsv2rgb(0.12 + 0.05 * i, 0.9, 0.62) \
			title columnheader(1), \
		for [i = 0:last("kernel")] curves("kernel") index i using 1:2 \
			with linespoints lc rgb "#8a8a8a" lw 1 pt i + 1 ps 0.7 \
			title columnheader(1)

	set output dir."/ratios.".format
	set title "One way (".mode."), ours / others: below 1, ours takes less time"
	unset logscale x
	set logscale y 2
	set xrange [-0.5:4.5]
	set xtics ("8" 0, "64" 1, "256" 2, "1024" 3, "4096" 4)
	set ylabel "time of ours / time of theirs; median, least and most"
	set bmargin 7
	set key outside bottom center horizontal maxcols 3 reverse Left \
		samplen 2 spacing 1.2 font ",11"
	set arrow 1 from graph 0, first 1 to graph 1, first 1 nohead front \
		lc rgb "#000000" lw 1.5
	wide = 0.8 / (last_bar + 1)
	left(i) = -0.4 + i * wide
	plot for [i = 0:last_bar] bars using \
			($0 + left(i)):(1):($0 + left(i)):($0 + left(i) + wide * 0.92):(1):(column(2 + 3 * i)) \
			with boxxyerror lc rgb colours[i + 1] \
			title columnheader(2 + 3 * i), \
		for [i = 0:last_bar] bars skip 1 using \
			($0 + left(i) + wide * 0.46):(column(3 + 3 * i)):(0):(column(4 + 3 * i) - column(3 + 3 * i)) \
			with vectors heads size screen 0.003,90 fixed \
			lc rgb "#202020" lw 1 notitle
	unset arrow 1
}
