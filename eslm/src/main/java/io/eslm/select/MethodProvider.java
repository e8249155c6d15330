// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import java.util.List;

/**
 * Adds the methods of a jar to the program: to {@code train}, to {@code compare}, and to their help. Put the jar on the class
 * path ({@code ESLM_CLASSPATH=my.jar bin/eslm}), with the name of the provider's class in
 * {@code META-INF/services/io.eslm.select.MethodProvider}, or in a {@code provides} clause of its module.
 *
 * <p>A whole method that keeps the tokens up to some loss, trained with method {@code easy:most=4.5}:
 * {@snippet :
 * public final class EasyTokens implements MethodProvider {
 *     private static final Option<Double> MOST =
 *             Option.number("most", "NATS", "largest loss of a token that is kept").defaultsTo(5.0);
 *
 *     @Override
 *     public List<Method> methods() {
 *         return List.of(SelectiveObjective.method("easy", List.of(MOST), values -> {
 *             double most = values.get(MOST);
 *             return (loss, entropy, rng) -> {
 *                 boolean[] keep = new boolean[loss.length];
 *                 for (int i = 0; i < keep.length; i++) {
 *                     keep[i] = i == 0 || loss[i] <= most; // at least one token
 *                 }
 *                 return Selection.mean(keep, Double.NaN, 0);
 *             };
 *         }));
 *     }
 * }
 * }
 *
 * <p>For more than a choice of tokens, write an {@link io.eslm.gpt2.train.Objective} and declare it with
 * {@link Method#of Method.of}.
 */
public interface MethodProvider {
    /** The methods, in the order of help texts. */
    List<Method> methods();
}
