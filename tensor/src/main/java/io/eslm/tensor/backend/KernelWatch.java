// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import static java.lang.constant.ConstantDescs.CD_Object;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_void;
import static java.lang.constant.ConstantDescs.INIT_NAME;

import java.lang.classfile.ClassBuilder;
import java.lang.classfile.ClassFile;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.TypeKind;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * Lets a program look at every kernel call of a backend, new kernels included: a subclass of {@link Kernels} that is generated
 * when it is first asked for and overrides every {@code run…} method. Nothing is paid where nobody watches.
 */
public final class KernelWatch {
    /** Is called in place of a kernel. */
    @FunctionalInterface
    public interface Listener {
        /**
         * @param kernel name of the method of {@link Kernels}
         * @param arguments in its order; for reading
         * @param run makes the call; a listener runs it once
         */
        void called(String kernel, Object[] arguments, Runnable run);
    }

    private KernelWatch() {
    }

    /** The public methods of all kernels. */
    public static List<Method> kernels() {
        return Stream.of(Kernels.class, ArrayKernels.class, SelectionKernels.class)
                .flatMap(c -> Arrays.stream(c.getDeclaredMethods()))
                .filter(m -> m.getName().matches("run[A-Z].*")).map(KernelWatch::publicOne).toList();
    }

    private static Method publicOne(Method run) {
        try {
            String name = run.getName().substring("run".length());
            return Kernels.class.getMethod(Character.toLowerCase(name.charAt(0)) + name.substring(1),
                    run.getParameterTypes());
        } catch (NoSuchMethodException e) {
            throw new IllegalStateException("no public kernel for " + run, e);
        }
    }

    /** {@code kernels} with {@code listener} before them. They count their work; what is returned repeats their checks. */
    public static Kernels of(Kernels kernels, Listener listener) {
        try {
            return (Kernels) Generated.NEW.invoke(kernels, listener);
        } catch (Throwable e) {
            throw new IllegalStateException("cannot watch kernels", e);
        }
    }

    /** What the generated class extends. */
    abstract static class Base extends Kernels {
        private final Kernels kernels;
        private final Listener listener;

        Base(Kernels kernels, Listener listener) {
            this.kernels = kernels;
            this.listener = listener;
        }

        @Override
        final HeapStorage onHost(Storage storage, int n) {
            return kernels.onHost(storage, n);
        }

        final void call(int kernel, Object[] arguments) {
            Method method = Generated.KERNELS.get(kernel);
            listener.called(method.getName(), arguments, () -> {
                try {
                    method.invoke(kernels, arguments);
                } catch (InvocationTargetException e) {
                    throw unchecked(e.getCause());
                } catch (IllegalAccessException e) {
                    throw new IllegalStateException(e);
                }
            });
        }

        /** Kernels declare no exceptions, so what they throw needs no declaration. */
        @SuppressWarnings("unchecked")
        private static <E extends Throwable> RuntimeException unchecked(Throwable e) throws E {
            throw (E) e;
        }
    }

    private static final class Generated {
        private static final ClassDesc BASE = ClassDesc.of(Base.class.getName());
        static final List<Method> KERNELS = kernels();
        static final MethodHandle NEW = generate();

        private static MethodHandle generate() {
            byte[] bytes = ClassFile.of().build(ClassDesc.of(KernelWatch.class.getPackageName(), "WatchedKernels"),
                    Generated::body);
            MethodType constructor = MethodType.methodType(void.class, Kernels.class, Listener.class);
            try {
                MethodHandles.Lookup watched = MethodHandles.lookup().defineHiddenClass(bytes, true);
                return watched.findConstructor(watched.lookupClass(), constructor);
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException(e);
            }
        }

        private static void body(ClassBuilder out) {
            MethodTypeDesc constructor = describe(void.class, Kernels.class, Listener.class);
            out.withSuperclass(BASE).withMethodBody(INIT_NAME, constructor, 0, code -> code.aload(0).aload(1).aload(2)
                    .invokespecial(BASE, INIT_NAME, constructor).return_());
            for (int i = 0; i < KERNELS.size(); i++) {
                int kernel = i;
                Method method = KERNELS.get(i);
                String name = method.getName();
                out.withMethodBody("run" + Character.toUpperCase(name.charAt(0)) + name.substring(1),
                        describe(void.class, method.getParameterTypes()), ClassFile.ACC_PROTECTED,
                        code -> forward(code, kernel, method.getParameterTypes()));
            }
        }

        /** {@code call(kernel, new Object[] {…})}. */
        private static void forward(CodeBuilder code, int kernel, Class<?>[] parameters) {
            code.aload(0).loadConstant(kernel).loadConstant(parameters.length).anewarray(CD_Object);
            int slot = 1;
            for (int i = 0; i < parameters.length; i++) {
                TypeKind kind = TypeKind.from(parameters[i]);
                code.dup().loadConstant(i).loadLocal(kind, slot);
                slot += kind.slotSize();
                if (parameters[i].isPrimitive()) {
                    Class<?> box = MethodType.methodType(parameters[i]).wrap().returnType();
                    code.invokestatic(ClassDesc.ofDescriptor(box.descriptorString()), "valueOf",
                            describe(box, parameters[i]));
                }
                code.aastore();
            }
            code.invokevirtual(BASE, "call", MethodTypeDesc.of(CD_void, CD_int, CD_Object.arrayType())).return_();
        }

        private static MethodTypeDesc describe(Class<?> result, Class<?>... parameters) {
            return MethodTypeDesc.ofDescriptor(MethodType.methodType(result, parameters).descriptorString());
        }
    }
}
