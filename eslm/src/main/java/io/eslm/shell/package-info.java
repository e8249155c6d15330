// SPDX-License-Identifier: Apache-2.0
/**
 * The library by hand: Java code is run snippet by snippet in this JVM, with everything imported and a small model and a tape at
 * hand. It needs a JDK, for its module {@code jdk.jshell}.
 */
package io.eslm.shell;
