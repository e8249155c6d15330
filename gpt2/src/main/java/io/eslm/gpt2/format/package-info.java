/** Model files of other programs, read and written without these programs. */
package io.eslm.gpt2.format;
