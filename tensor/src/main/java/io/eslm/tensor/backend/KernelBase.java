// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import io.eslm.tensor.DType;
import java.util.function.Consumer;

/**
 * What all {@link Kernels} share: the checks of their arguments, the count of their work, and the way a definition in plain
 * loops reaches the elements. Checks take nanoseconds and allocate nothing.
 */
public abstract class KernelBase {
    /** Finds the elements of a storage where a plain loop can read and write them; null stays null. */
    interface Elements {
        HeapStorage of(Storage storage);
    }

    private final FlopCounter flops = new FlopCounter();

    KernelBase() {
    }

    /** Multiply-adds of the kernels called so far. */
    public final FlopCounter flops() { return flops; }

    /** Runs the definition of {@code kernel}: here in place, on heap memory. */
    void plain(String kernel, Consumer<Elements> definition) {
        definition.accept(HeapStorage::of);
    }

    /** {@code storage} (n) where the host can read it. */
    HeapStorage onHost(Storage storage, int n) {
        return HeapStorage.of(storage);
    }

    // ---- checks; `names` are those of the storages, in order, with a blank between them

    /** Each storage holds {@code n} elements or more of the same floating-point type as {@code like}. */
    static void floats(String kernel, Storage like, String names, long n, Storage a) {
        DType type = like == null ? null : like.dtype();
        if (type == DType.I32) {
            throw new IllegalArgumentException("kernel " + kernel + ": needs F32 or F64, was given I32");
        }
        holds(kernel, type, names, 0, n, a);
    }

    static void floats(String kernel, Storage like, String names, long n, Storage a, Storage b) {
        floats(kernel, like, names, n, a);
        holds(kernel, a.dtype(), names, 1, n, b);
    }

    static void floats(String kernel, Storage like, String names, long n, Storage a, Storage b, Storage c) {
        floats(kernel, like, names, n, a, b);
        holds(kernel, a.dtype(), names, 2, n, c);
    }

    static void floats(String kernel, Storage like, String names, long n, Storage a, Storage b, Storage c, Storage d) {
        floats(kernel, like, names, n, a, b, c);
        holds(kernel, a.dtype(), names, 3, n, d);
    }

    /** {@link #floats} for a storage that may be left out. */
    static void optional(String kernel, Storage like, String name, long n, Storage a) {
        if (a != null) {
            floats(kernel, like, name, n, a);
        }
    }

    /** Both storages hold {@code n} elements or more of one type, which may be any. */
    static void same(String kernel, String names, long n, Storage a, Storage b) {
        holds(kernel, a == null ? null : a.dtype(), names, 0, n, a);
        holds(kernel, a.dtype(), names, 1, n, b);
    }

    private static void holds(String kernel, DType type, String names, int place, long n, Storage storage) {
        if (storage == null || storage.dtype() != type || storage.size() < n) {
            String what = "kernel " + kernel + ": " + names.split(" ")[place];
            throw new IllegalArgumentException(storage == null ? what + " is null"
                    : storage.dtype() != type ? what + " is " + storage.dtype() + ", " + type + " is needed"
                    : what + " holds " + storage.size() + " elements, " + n + " are needed");
        }
    }

    /** {@code storage} holds {@code n} ints or more. */
    static void ints(String kernel, String name, long n, Storage storage) {
        holds(kernel, DType.I32, name, 0, n, storage);
    }

    /** {@code ids} holds {@code count} ints, each in [0, bound). See {@link #ids(String, String, Storage, Storage, int, int)}. */
    static void ids(String kernel, String name, Storage ids, int count, int bound) {
        ints(kernel, name, count, ids);
        ids(kernel, name, ids, null, count, bound);
    }

    /**
     * Each of the {@code count} elements of {@code ids} that {@code rows} names (the first ones where null) is in [0,
     * bound). Only ids in heap memory are checked: to read them from a device, the host would have to wait at every
     * kernel. There, check ids before you write them.
     */
    static void ids(String kernel, String name, Storage ids, Storage rows, int count, int bound) {
        if (ids instanceof HeapStorage.I32 all && (rows == null || rows instanceof HeapStorage.I32)) {
            for (int i = 0; i < count; i++) {
                int at = rows instanceof HeapStorage.I32 some ? some.data[some.offset + i] : i;
                int id = all.data[all.offset + at];
                if (id < 0 || id >= bound) {
                    throw new IndexOutOfBoundsException("kernel " + kernel + ": " + name + "[" + at + "] is " + id
                            + ", which is outside [0, " + bound + ")");
                }
            }
        }
    }

    /** How many rows of {@code cols} elements {@code x} holds. */
    static int held(Storage x, int cols) {
        return x == null || cols == 0 ? Integer.MAX_VALUE : x.size() / cols;
    }

    /** logits (·, cols), lse and targets (·) hold the {@code count} rows that {@code rows} names, or the first ones where null. */
    static void kept(String kernel, Storage like, Storage logits, Storage lse, Storage targets, Storage rows, int count,
            int cols) {
        int held = rows == null ? count : Math.min(held(logits, cols), Math.min(held(lse, 1), held(targets, 1)));
        floats(kernel, like, "logits", (long) held * cols, logits);
        floats(kernel, like, "lse", held, lse);
        ints(kernel, "targets", held, targets);
        if (rows != null) {
            ids(kernel, "rows", rows, count, held);
        }
        ids(kernel, "targets", targets, rows, count, cols);
    }
}
