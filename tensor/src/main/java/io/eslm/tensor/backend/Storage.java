// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import io.eslm.tensor.DType;

/**
 * Memory of one backend, opaque to everything above it. A storage may be a window into another one ({@link
 * Backend#slice}) and then shares its memory.
 */
public interface Storage {
    DType dtype();

    /** Number of elements. */
    int size();
}
