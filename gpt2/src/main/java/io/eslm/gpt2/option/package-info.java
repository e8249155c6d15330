// SPDX-License-Identifier: Apache-2.0
/**
 * Settings that a user can give, each declared once: a command line, a specification and a file all read the declaration.
 *
 * <p>{@link io.eslm.gpt2.option.Option} declares one, {@link io.eslm.gpt2.option.OptionGroup} lists those that belong together,
 * and {@link io.eslm.gpt2.option.OptionValues} holds what was given.
 */
package io.eslm.gpt2.option;
