// SPDX-License-Identifier: Apache-2.0
/** Model files of other programs, read and written without these programs. */
package io.eslm.gpt2.format;
