// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

/** How attention goes: the values of {@value Settings#ATTENTION}. */
enum Attend {
    /** {@link TiledAttention}, without scores in memory. */
    TILES,
    /** {@link DeviceAttention}: scores in memory, products by what computes all products. Separate documents go by tiles. */
    PRODUCTS
}
