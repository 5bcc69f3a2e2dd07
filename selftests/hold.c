// SPDX-License-Identifier: GPL-2.0
/*
 * For tool.sh: maps a page of its standard input, read and write, and holds it
 * until it is killed. Standard input is closed, so that only the mapping is
 * left.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
	if (mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, STDIN_FILENO,
		 0) == MAP_FAILED) {
		perror("hold: mmap");
		return 1;
	}
	close(STDIN_FILENO);
	for (;;)
		pause();
}
