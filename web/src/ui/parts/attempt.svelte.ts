/** Something that a dialog does, and that may be refused: then it says why, and stays. */
export class Attempt {
  working = $state(false);
  wrong = $state<string | null>(null);

  async make(what: () => Promise<unknown> | void, then: () => void = () => undefined): Promise<void> {
    this.working = true;
    this.wrong = null;
    try {
      await what();
      then();
    } catch (error) {
      this.wrong = (error as Error).message;
    } finally {
      this.working = false;
    }
  }
}
