// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The text of a tensor in NumPy's layout, then its shape and type. More than {@link #FULL} elements are abbreviated to
 * {@link #EDGE} at each end of every axis, and only those are read.
 */
final class TensorPrinter {
    private static final int FULL = 1000;
    private static final int EDGE = 3;
    private final Tensor tensor;
    private final boolean abbreviated;
    private final List<String> words;
    private final int width;
    private int next;

    private TensorPrinter(Tensor tensor) {
        this.tensor = tensor;
        this.abbreviated = tensor.size() > FULL;
        List<Double> values = new ArrayList<>();
        if (tensor.size() > 0) {
            collect(0, 0, values);
        }
        String format = format(values);
        this.words = values.stream().map(v -> word(v, format)).toList();
        this.width = words.stream().mapToInt(String::length).max().orElse(0);
    }

    /** For example {@code [[1.0, 2.0],\n [3.0, 4.0]] (2, 2) F32}. */
    static String text(Tensor tensor) {
        if (tensor.isReleased()) {
            return "released " + tensor.shape() + " " + tensor.dtype();
        }
        StringBuilder out = new StringBuilder();
        new TensorPrinter(tensor).print(out, 0);
        return out.append(' ').append(tensor.shape()).append(' ').append(tensor.dtype()).toString();
    }

    /** Appends the elements to show below axis {@code axis}, the first of which has the index {@code at}. */
    private void collect(int axis, int at, List<Double> values) {
        if (axis == tensor.rank()) {
            values.add(tensor.flat(at));
            return;
        }
        int stride = 1;
        for (int a = axis + 1; a < tensor.rank(); a++) {
            stride *= tensor.dim(a);
        }
        int n = tensor.dim(axis);
        for (int i = 0; i < n; i++) {
            if (!skipped(i, n)) {
                collect(axis + 1, at + i * stride, values);
            }
        }
    }

    private boolean skipped(int i, int n) {
        return abbreviated && n > 2 * EDGE && i >= EDGE && i < n - EDGE;
    }

    private void print(StringBuilder out, int axis) {
        if (axis == tensor.rank()) {
            String word = words.get(next);
            next++;
            out.repeat(' ', width - word.length()).append(word);
            return;
        }
        boolean innermost = axis == tensor.rank() - 1;
        String separator = innermost ? ", " : "," + "\n".repeat(tensor.rank() - 1 - axis) + " ".repeat(axis + 1);
        int n = tensor.size() == 0 ? 0 : tensor.dim(axis);
        out.append('[');
        for (int i = 0; i < n; i++) {
            if (skipped(i, n)) {
                out.append(i == EDGE ? separator + "…" : "");
            } else {
                out.append(i == 0 ? "" : separator);
                print(out, axis + 1);
            }
        }
        out.append(']');
    }

    private String format(List<Double> values) {
        if (!tensor.dtype().isFloat()) {
            return "%.0f";
        }
        List<Double> sizes = values.stream().filter(Double::isFinite).map(Math::abs).filter(v -> v > 0).toList();
        double max = sizes.stream().mapToDouble(v -> v).max().orElse(1);
        double min = sizes.stream().mapToDouble(v -> v).min().orElse(1);
        if (max < 1e8 && sizes.stream().allMatch(v -> v == Math.rint(v))) {
            return "%.1f";
        }
        return max >= 1e8 || min < 1e-4 || max / min > 1e6 ? "%.4e" : "%.4f";
    }

    private static String word(double value, String format) {
        if (Double.isFinite(value)) {
            return String.format(Locale.ROOT, format, value);
        }
        return Double.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
    }
}
