// SPDX-License-Identifier: Apache-2.0

/**
 * The program: a command is one class, and one line in {@link io.eslm.cli.Main}. Bad input becomes a
 * {@link io.eslm.tensor.UserError} where it is noticed, and one line on the standard error in {@link io.eslm.cli.ErrorReport}.
 */
package io.eslm.cli;
