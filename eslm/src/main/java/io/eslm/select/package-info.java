// SPDX-License-Identifier: Apache-2.0

/**
 * The registry of training methods. {@link io.eslm.select.Method} declares one, a {@link io.eslm.select.MethodProvider} lists
 * those of a jar, {@link io.eslm.select.Methods} finds them all, and a {@link io.eslm.select.MethodSpec} is a method with
 * values for its options.
 *
 * <p>Where the methods are: {@link io.eslm.select.token} chooses tokens by their risk, {@link io.eslm.select.instance} chooses
 * whole windows, and {@link io.eslm.select.objective} turns a choice into a loss.
 */
package io.eslm.select;
