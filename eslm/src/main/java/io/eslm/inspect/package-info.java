// SPDX-License-Identifier: Apache-2.0

/**
 * A look inside a model at work on a text: an {@link io.eslm.inspect.Inspector} writes one page for people, or activations and
 * gradients for programs; a {@link io.eslm.inspect.NameTable} lists their names.
 */
package io.eslm.inspect;
