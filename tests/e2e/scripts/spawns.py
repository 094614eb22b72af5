import multiprocessing

FACTOR = 3


def work(queue):
    queue.put((__name__, FACTOR))


if __name__ == "__main__":
    import torch

    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=work, args=(queue,))
    process.start()
    name, factor = queue.get()
    process.join()
    a = torch.ones(2, requires_grad=True)
    (a * factor).sum().backward()
    print(name, process.exitcode, a.grad)
